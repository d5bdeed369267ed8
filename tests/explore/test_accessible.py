"""axe-core finds nothing on the Explorer's page, light and dark."""

from pathlib import Path

import pytest
from tests.explore.browser import Page, needs_browser

axe = pytest.importorskip("axe_core_python", reason="needs axe-core-python")

pytestmark = needs_browser

RUN = """
const done = arguments[0];
axe.run({ resultTypes: ["violations"] }).then((found) =>
  done(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`)));
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    page.change("dataset", "d1")
    page.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page["certify"].click()
    page.wait(".answer")
    page["keep"].click()
    page.wait("#cards article")
    page.run((Path(str(axe.__file__)).parent / "axe.min.js").read_text("utf-8"))
    assert page.driver.execute_async_script(RUN) == []
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
