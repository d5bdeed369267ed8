"""The Explorer's page in a real browser, for tests of it."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="needs chromium and chromedriver (apt-get install chromium chromium-driver)",
)


class Page:
    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def __getitem__(self, name: str) -> WebElement:
        return self.driver.find_element(By.ID, name)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, holds: Callable[[object], Any]) -> Any:
        """Waits until it holds, and looks often: there are hundreds of such waits."""
        return WebDriverWait(self.driver, 120, poll_frequency=0.05).until(holds)

    def wait(self, selector: str) -> list[WebElement]:
        def found(_: object) -> list[WebElement]:
            assert not self["error"].is_displayed(), self["error"].text
            return self.all(selector)

        return self.until(found)

    def wait_for_runs(self, text: str = " runs of ") -> None:
        self.until(lambda _: text in self["status"].text)

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def change(self, name: str, value: str) -> None:
        """Chooses an option and waits for the training that follows."""
        self.run("document.getElementById('status').textContent = ''")
        Select(self[name]).select_by_value(value)
        self.wait_for_runs()


DESKTOP, PHONE = (1280, 900), (360, 740)
