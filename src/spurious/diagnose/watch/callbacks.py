"""A watch as a callback of Lightning and of Hugging Face's Trainer.

Neither library is needed: where it is installed its callback class is the base, else `object` with
the same methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast


class Watching(Protocol):
    """What a callback does with a `TrainingWatch`."""

    def after_backward(self) -> None:
        """Reads gradients."""
        ...

    def step(self, loss: Any = None) -> None:
        """Ends a step."""
        ...

    def close(self) -> None:
        """Stops watching."""
        ...


def lightning_callback(watch: Watching) -> Any:
    """A Lightning callback. The watched module must be one that the training step calls."""

    def after_backward(_self: Any, *_: Any) -> None:
        watch.after_backward()

    def batch_end(_self: Any, _trainer: Any, _module: Any, outputs: Any, *_: Any) -> None:
        is_named = isinstance(outputs, Mapping)
        watch.step(cast("Mapping[str, Any]", outputs).get("loss") if is_named else outputs)

    def fit_end(_self: Any, *_: Any) -> None:
        watch.close()

    base = _base(("lightning.pytorch", "Callback"), ("pytorch_lightning", "Callback"))
    methods = {
        "on_after_backward": after_backward,
        "on_train_batch_end": batch_end,
        "on_fit_end": fit_end,
    }
    return type("SpuriousWatch", (base,), methods)()


def transformers_callback(watch: Watching) -> Any:
    """A callback for Hugging Face's Trainer, which clears gradients before `on_step_end`."""

    def before_optimiser(_self: Any, *_: Any, **__: Any) -> None:
        watch.after_backward()

    def step_end(_self: Any, *_: Any, **__: Any) -> None:
        watch.step()

    def train_end(_self: Any, *_: Any, **__: Any) -> None:
        watch.close()

    base = _base(("transformers", "TrainerCallback"))
    methods = {
        "on_pre_optimizer_step": before_optimiser,
        "on_step_end": step_end,
        "on_train_end": train_end,
    }
    return type("SpuriousWatch", (base,), methods)()


def _base(*places: tuple[str, str]) -> type:
    for module, name in places:
        try:
            return getattr(import_module(module), name)
        except ImportError:
            continue
    return object
