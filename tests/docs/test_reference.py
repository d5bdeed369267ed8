"""The reference: every public name has a sentence, those at the top an example, which is run."""

import doctest
import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import spurious

AT_THE_TOP = [name for name in spurious.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", AT_THE_TOP)
def test_the_example_of_a_name_gives_what_it_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = getattr(spurious, name).__doc__
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples, f"give {name} an example under `Examples:` in its docstring"
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert not told, "".join(told)


@pytest.mark.parametrize(
    "module", [found.name for found in iter_modules(spurious.__path__, "spurious.")]
)
def test_every_public_name_has_a_sentence(module: str) -> None:
    home = import_module(module)
    for name in getattr(home, "__all__", ()):
        value = getattr(home, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            first = (value.__doc__ or "").strip().partition("\n")[0]
            assert first.endswith(".") and first.count(" ") > 1, f"{module}.{name}: {first}"
