"""Sharing, undoing, saving and opening, in a real browser."""

import json
from pathlib import Path
from urllib.parse import unquote

from selenium.webdriver.support.ui import Select
from tests.explore.browser import Page, needs_browser
from tests.explore.conftest import Site

from spurious.explore.stories import STORIES
from spurious.problem import read_problem
from spurious.sweep import read_plan

pytestmark = needs_browser

ROOT = Path(__file__).parents[2]
D1 = ROOT / "src/spurious/problem/points/c5-d1.json"


def labels(page: Page) -> list[str]:
    return [str(point.get_attribute("aria-label")) for point in page.all("#points .point")]


def fields(page: Page) -> list[str]:
    names = ("units", "activation", "loss", "optimiser", "step_size", "updates", "runs", "seed")
    return [str(page[name].get_attribute("value")) for name in names]


def address(page: Page) -> str:
    return unquote(page.driver.current_url.partition("#")[2])


def test_a_link_opens_the_same_settings_and_points(page: Page) -> None:
    page.change("dataset", "xor")
    page.change("activation", "leaky_relu")
    page.run("document.getElementById('again').click()")
    page.all("#points .point")[0].send_keys("l")
    link, before = page.driver.current_url, (labels(page), fields(page))
    assert "points=" in link and "data=" not in link
    page.driver.get("about:blank")
    page.driver.get(link)
    page.wait_for_runs()
    assert (labels(page), fields(page)) == before
    page.driver.refresh()
    page.wait_for_runs()
    assert (labels(page), fields(page)) == before


def test_undo_and_redo(page: Page) -> None:
    page.change("dataset", "d1")
    before = labels(page)
    page.all("#points .point")[0].send_keys("\ue003")  # Backspace
    assert len(labels(page)) == len(before) - 1
    page["undo"].click()
    page.until(lambda _: labels(page) == before)
    page["redo"].click()
    page.until(lambda _: len(labels(page)) == len(before) - 1)
    assert not page["redo"].is_enabled()


BAD = (
    "data=nothing",
    "points=1,2,3;1,2",
    "points=1,2,7",
    "points=" + ";".join(["1,2"] * 99),
    "points=1e9,2",
    "evil=1",
)


def test_a_bad_link_is_refused_in_one_line(page: Page, site: Site) -> None:
    for fragment in BAD:
        page.driver.get("about:blank")
        page.driver.get(f"{site.url}#{fragment}")
        page.until(lambda _: page["error"].is_displayed())
        assert page["error"].text.startswith("address: "), fragment
        assert len(labels(page)) == 6, fragment  # what the page begins with


def test_files_that_are_saved(page: Page, tmp_path: Path) -> None:
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    page.change("dataset", "xor")
    page["units"].clear()
    page["units"].send_keys("3,2")
    page.change("activation", "tanh")
    page.run("document.getElementById('export').open = true")
    for name in ("save-data", "save-problem", "save-plan", "save-picture"):
        page[name].click()
    names = ("data.csv", "problem.json", "explorer.toml", "explorer.png")
    page.until(lambda _: all((tmp_path / n).exists() for n in names))
    assert (tmp_path / "data.csv").read_text().splitlines()[:2] == ["x1,x2,y1", "0,1,1"]
    problem = read_problem(tmp_path / "problem.json")
    assert problem.network.widths == (2, 3, 2, 1)
    (cell,) = read_plan(tmp_path / "explorer.toml").cells
    assert (cell.recipe.network, cell.recipe.data) == (problem.network, problem.data)
    assert (tmp_path / "explorer.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "explorer.png").stat().st_size > 5_000


def test_a_problem_file_is_opened_and_its_point_certified(page: Page) -> None:
    page.run("document.getElementById('status').textContent = ''")
    page["file"].send_keys(str(D1))
    page.until(lambda _: page["look"].is_displayed())
    assert page["about-data"].text == "The points of c5-d1.json."
    assert address(page).startswith("points=5,2;4,1;3,0;1,-3;-1,3&units=1&")
    page.wait_for_runs()
    page["look"].click()
    assert "with loss 18" in page["run-text"].text
    page["certify"].click()
    (answer,) = page.wait(".answer")
    assert answer.text.startswith("Local minimum")


def test_a_file_that_is_no_problem_is_refused(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    path.write_text(json.dumps({"format": "other"}))
    page["file"].send_keys(str(path))
    page.until(lambda _: page["error"].is_displayed())
    assert page["error"].text.startswith("no.json: ")
    (entry,) = page.driver.get_log("browser")
    assert "400" in entry["message"]


def test_a_story_sets_the_page_and_its_point_can_be_certified(page: Page) -> None:
    story = STORIES[0]
    page.run("document.getElementById('status').textContent = ''")
    Select(page["story"]).select_by_value(story.name)
    page.wait_for_runs()
    assert page["story-text"].text == story.text
    assert Select(page["dataset"]).first_selected_option.text == story.dataset
    page["look"].click()
    page["certify"].click()
    (answer,) = page.wait(".answer")
    assert answer.text.startswith("Local minimum")
    page.all("#points .point")[0].send_keys("\ue012")  # the story's point is of other data then
    assert not page["look"].is_displayed()


def test_results_are_kept_to_compare(page: Page) -> None:
    page["keep"].click()
    page.wait("#cards article")
    page.change("activation", "leaky_relu")
    page["keep"].click()
    page.until(lambda _: len(page.all("#cards article")) == 2)
    texts = [card.text for card in page.all("#cards article")]
    assert "3 relu units" in texts[0] and "3 leaky_relu units" in texts[1]
    page.all("#cards a")[0].click()
    page.until(lambda _: Select(page["activation"]).first_selected_option.text == "relu")
    page.all("#cards button")[0].click()
    assert len(page.all("#cards article")) == 1


def test_two_hidden_layers(page: Page) -> None:
    page["units"].clear()
    page["units"].send_keys("3,3")
    page.change("activation", "tanh")
    assert len(page.all("#squares [role=option]")) == 100
    page["enumerate"].click()
    page.until(lambda _: page["error"].is_displayed())
    assert "\n" not in page["error"].text
    page.driver.get_log("browser")  # the refusal
