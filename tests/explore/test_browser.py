"""The page in a real browser; needs Debian's packages chromium and chromium-driver, or alike."""

import json
from fractions import Fraction

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from tests.explore.browser import DESKTOP, PHONE, Page, needs_browser

import spurious_checker
from spurious.certify.float_network import activation
from spurious.problem import ACTIVATIONS, Network

pytestmark = needs_browser

SLOPES = {"leaky_relu": Fraction(1, 100)}
both = pytest.mark.parametrize("page", [DESKTOP, PHONE], ids=["desktop", "phone"], indirect=True)


@both
def test_train_certify_and_enumerate(page: Page) -> None:
    page.change("dataset", "d1")
    squares = page.all("#squares [role=option]")
    assert len(squares) == 100
    trapped = next(s for s in squares if "finite local minimum" in str(s.get_attribute("title")))
    trapped.click()
    assert trapped.get_attribute("aria-selected") == "true"
    page["certify"].click()
    page.wait(".answer")
    assert "ocal minimum" in page["verdict"].text
    certificate = json.loads(page.run("return document.querySelector('#verdict pre').textContent"))
    assert spurious_checker.check(certificate).valid
    page["enumerate"].click()
    families = page.wait(".family")
    assert "the list is complete" in page["atlas-text"].text
    families[0].click()
    assert page["run-text"].text == "A local minimum of the atlas, with loss 0."
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_certify_knows_what_the_atlas_has_found(page: Page) -> None:
    page.change("dataset", "d1")
    page["enumerate"].click()
    page.wait(".family")
    squares = page.all("#squares [role=option]")
    next(s for s in squares if "finite local minimum" in str(s.get_attribute("title"))).click()
    page["certify"].click()
    page.wait(".answer")
    assert "no, proved: a better point has loss 0\n" in page["verdict"].text


def test_classes_with_a_smooth_network(page: Page) -> None:
    page.change("dataset", "deadlock7")
    page.change("activation", "sigmoid")
    assert Select(page["loss"]).first_selected_option.text == "logistic"
    assert len(page.all("#points .point")) == 7
    assert "first input" in str(page.all("#points .point")[0].get_attribute("aria-label"))
    pixels = page.run(
        "const c = document.getElementById('surface');"
        "return new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    )
    assert pixels > 20, "nothing is drawn"


def test_a_rounded_point_that_is_refuted_is_no_verdict_on_the_run(page: Page) -> None:
    page.change("dataset", "jellyfish")
    assert "finite local minimum" in page["run-text"].text
    page["certify"].click()
    (answer,) = page.wait(".answer")
    assert answer.text != "Not a local minimum."


@both
def test_points_by_mouse_and_keyboard(page: Page) -> None:
    page.change("dataset", "xor")
    page.run("document.getElementById('again').click()")
    points = page.all("#points .point")
    before = points[0].get_attribute("aria-label")
    ActionChains(page.driver).click_and_hold(points[0]).move_by_offset(30, -20).release().perform()
    dragged = points[0].get_attribute("aria-label")
    assert dragged != before
    assert "Changed since the last training" in page["status"].text
    points[0].send_keys(Keys.ARROW_LEFT)
    moved = points[0].get_attribute("aria-label")
    assert moved != dragged
    points[0].send_keys("l")
    assert points[0].get_attribute("aria-label") == str(moved).replace("+1", "\u22121")
    points[0].send_keys(Keys.DELETE)
    assert len(page.all("#points .point")) == 3
    page["add"].send_keys(Keys.ENTER)
    assert len(page.all("#points .point")) == 4
    ActionChains(page.driver).move_to_element_with_offset(page["plot"], 40, 60).click().perform()
    assert len(page.all("#points .point")) == 5
    page.run("document.getElementById('status').textContent = ''")
    page["train"].send_keys(Keys.ENTER)
    page.wait_for_runs()
    assert len(page.all("#numbers tbody tr")) == 5
    page.run("document.querySelector('#stage details').open = true")
    field = page.all("#numbers tbody input")[0]
    field.clear()
    field.send_keys("0.25", Keys.TAB)
    assert "first input 0.25" in str(page.all("#points .point")[0].get_attribute("aria-label"))


@pytest.mark.parametrize("page", [PHONE], ids=["phone"], indirect=True)
def test_points_by_touch(page: Page) -> None:
    point = page.all("#points .point")[2]
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
    x, y = page.driver.execute_script(
        "const b = arguments[0].getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]",
        point,
    )

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": across, "y": down} for across, down in places]
        event = {"type": f"touch{kind}", "touchPoints": points}
        page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)

    scrolled = page.run("return scrollY")
    touch("Start", (x, y))
    for k in range(1, 9):
        touch("Move", (x + 5 * k, y - 5 * k))
    touch("End")
    page.run("document.getElementById('status').textContent = ''")
    page.wait_for_runs()
    moved = page.driver.execute_script(
        "const b = arguments[0].getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]",
        point,
    )
    assert moved == pytest.approx([x + 40, y - 40], abs=3)
    assert page.run("return scrollY") == scrolled


def test_runs_by_keyboard(page: Page) -> None:
    chosen = page.all("#squares [aria-selected=true]")
    assert len(chosen) == 1
    text = page["run-text"].text
    chosen[0].send_keys(Keys.ARROW_RIGHT)
    assert page["run-text"].text != text
    assert page.run("return document.activeElement.ariaSelected") == "true"


def test_a_refusal_is_shown(page: Page) -> None:
    page.run("document.getElementById('runs').max = 9999")
    page["runs"].clear()
    page["runs"].send_keys("5000", Keys.ENTER)
    page.until(lambda _: page["error"].is_displayed())
    assert page["error"].text == "runs: found 5000, expected an integer from 1 to 400"
    (entry,) = page.driver.get_log("browser")
    assert "400" in entry["message"]


def test_a_server_that_has_stopped_is_said(page: Page) -> None:
    page.run("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    page["enumerate"].click()
    page.until(lambda _: page["error"].text)
    assert page["error"].text == "the server has stopped; start `spurious explore` again"


def test_functions_are_the_engines(page: Page) -> None:
    random = np.random.default_rng(1)
    for name in ACTIVATIONS:
        theta = random.normal(size=13)
        x = random.normal(size=2)
        weight, bias = theta[:6].reshape(3, 2), theta[6:9]
        from_python = Network((2, 3, 1), name, SLOPES.get(name))
        expected = theta[9:12] @ activation(from_python)(weight @ x + bias)[0] + theta[12]
        found = page.driver.execute_async_script(
            "const [name, theta, x, done] = arguments;"
            "import('/page/network.js').then(m =>"
            " done(m.networkFunction({widths: [2, 3, 1], activation: name}, theta)(x)))",
            name,
            theta.tolist(),
            x.tolist(),
        )
        assert found == pytest.approx(expected, abs=1e-5), name
