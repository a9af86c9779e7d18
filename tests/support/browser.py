"""A real browser without a window, for tests of pages."""
import json
import shutil
from pathlib import Path

import pytest

from support.artifacts import artifact

FLAGS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync')
NEEDED = 'apt-get install chromium chromium-driver'


def find_chromium():
    """(browser, driver), or skip the test with the command that installs them."""
    browser = shutil.which('chromium') or shutil.which('chromium-browser')
    driver = shutil.which('chromedriver')
    if not (browser and driver):
        pytest.skip(f'needs Chromium and its driver: {NEEDED}')
    return browser, driver


class Browser:
    """Chromium on one page.

    Args:
        profile: New folder for its profile.
        patience: Seconds to wait for anything.
    """

    def __init__(self, profile: Path, patience: float = 180.) -> None:
        webdriver = pytest.importorskip('selenium.webdriver', reason='pip install selenium')
        browser, driver = find_chromium()
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f'--user-data-dir={profile}', '--window-size=1200,1300'):
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', dict(performance='ALL'))
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.patience = patience

    def all(self, css: str) -> list:
        """The elements that a CSS selector finds now."""
        return self.driver.find_elements('css selector', css)

    def wait(self, condition, what: str):
        """What a function returns as soon as it is true."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(
            self.driver, self.patience, ignored_exceptions=[StaleElementReferenceException]
        ).until(lambda _: condition(), f'waited for {what}')

    def text(self, css: str) -> str:
        """Text of the first such element, '' if there is none."""
        found = self.all(css)
        return found[0].text if found else ''

    def screenshot(self, name: str, width: int = 1200) -> Path:
        """The whole page as a PNG file among the artifacts of the tests."""
        path = artifact(name)
        for _ in range(2):  # the height follows the width
            height = self.driver.execute_script('return document.body.scrollHeight')
            self.driver.execute_cdp_cmd(
                'Emulation.setDeviceMetricsOverride',
                dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600))
        assert self.driver.save_screenshot(str(path))
        self.driver.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
        return path

    def requests(self) -> set:
        """Addresses of everything that pages asked for since the last call."""
        messages = [json.loads(entry['message'])['message']
                    for entry in self.driver.get_log('performance')]
        return {message['params']['request']['url'] for message in messages
                if message['method'] == 'Network.requestWillBeSent'}
