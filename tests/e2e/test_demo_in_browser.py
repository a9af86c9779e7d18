"""The real ``ssfer demo`` in a real browser, with drawn faces."""
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from ssfer_mm.expressions import FERPLUS8
from ssfer_mm.inference.demo import GRADIO
from ssfer_mm.inference.demo_view import draw_examples
from support.browser import Browser, find_chromium

ROOT = Path(__file__).resolve().parents[2]
CLASSES = FERPLUS8
PATIENCE = 900  # seconds for all tests here; on a free machine they take a twentieth


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Pictures: four drawn faces, none, and no picture at all."""
    folder = tmp_path_factory.mktemp('demo')
    draw_examples(folder)
    cv2.imwrite(str(folder / 'nobody.png'), np.full((200, 300, 3), 90, np.uint8))
    (folder / 'broken.jpg').write_text('no picture')
    return folder


@pytest.fixture(scope='module')
def server(folder):
    """The demo with the model of the package, in a process of its own; ``address`` is what it
    printed."""
    if importlib.util.find_spec('gradio') is None:
        pytest.skip(f'needs gradio: pip install "{GRADIO}"')
    pytest.importorskip('selenium', reason='pip install selenium')
    find_chromium()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / 'ssfer_cli.py'), 'demo', '--no-browser'], cwd=folder,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, TMPDIR=str(folder), OMP_NUM_THREADS='1'))
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    said = ''
    for line in process.stdout:
        said += line
        if found := re.search(r'http://\S+', line):
            break
    else:
        pytest.fail(said + process.communicate()[1])
    process.address = found[0]
    yield process
    alarm.cancel()
    process.kill()
    process.communicate()


@pytest.fixture(scope='module')
def browser(server, tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp('profile'))
    browser.driver.get(server.address)
    yield browser
    browser.driver.quit()


def put(browser, path):
    """Drop a picture on the page, instead of the one that is there."""
    for button in browser.all('#photo button[aria-label="Remove Image"]'):
        button.click()
        browser.wait(lambda: not browser.text('#status'), 'an empty page')
    field, = browser.wait(lambda: browser.all('#photo input[type=file]'), 'the upload field')
    field.send_keys(str(path))


def pixels(browser, css):
    """An image on the page as the browser shows it, (H, W, 3) BGR."""
    element = browser.wait(
        lambda: [image for image in browser.all(f'{css} img') if browser.driver.execute_script(
            'return arguments[0].complete && arguments[0].naturalWidth', image)], css)[0]
    return cv2.imdecode(np.frombuffer(element.screenshot_as_png, np.uint8), cv2.IMREAD_COLOR)


def bars(browser):
    """{class: percent}, best first."""
    words = browser.text('#bars').split()
    return {name: int(words[k + 1][:-1]) for k, name in enumerate(words)
            if name in CLASSES and words[k + 1].endswith('%')}


def test_boxes_bars_and_map_of_every_face(browser, folder):
    browser.wait(lambda: browser.driver.title == 'Facial expressions', 'the title')
    put(browser, folder / 'group.png')
    browser.wait(lambda: '4 faces' in browser.text('#status'), 'the faces')
    evidence = pixels(browser, '#evidence').astype(int)
    assert np.ptp(evidence, axis=2).max() > 80, 'warm colors on a grey face'
    drawn, given = pixels(browser, '#picture'), pixels(browser, '#photo')
    smaller = min(drawn.shape, given.shape)[:2][::-1]
    changed = np.abs(cv2.resize(drawn, smaller).astype(int) - cv2.resize(given, smaller)) > 60
    assert 0.005 < changed.any(axis=2).mean() < 0.5, 'boxes and letters'
    shown = bars(browser)
    assert set(shown) == set(CLASSES) and 96 <= sum(shown.values()) <= 104, 'each is rounded'
    assert list(shown.values()) == sorted(shown.values(), reverse=True)
    assert browser.screenshot('demo.png').stat().st_size > 50_000
    assert browser.screenshot('demo-phone.png', width=390).stat().st_size > 50_000

    first_map = browser.all('#evidence img')[0].get_attribute('src')
    browser.all('#faces input')[2].click()
    browser.wait(lambda: bars(browser) not in ({}, shown), 'the bars of another face')
    browser.wait(lambda: browser.all('#evidence img')[0].get_attribute('src') != first_map,
                 'another map')


def test_a_click_on_a_face_chooses_it(browser, folder):
    from selenium.webdriver import ActionChains

    put(browser, folder / 'group.png')
    browser.wait(lambda: '4 faces' in browser.text('#status'), 'the faces')
    pixels(browser, '#picture')
    image, = browser.all('#picture img')
    side = min(image.size['width'], image.size['height'])
    # One of the two at the right, which are the third and the fourth.
    ActionChains(browser.driver).move_to_element_with_offset(
        image, side // 4, -side // 4).click().perform()
    browser.wait(lambda: any(choice.is_selected() for choice in browser.all('#faces input')[2:]),
                 'the choice')


@pytest.mark.parametrize('name, answer', [('nobody.png', 'No face found'),
                                          ('broken.jpg', 'cannot be read')])
def test_pictures_without_a_face_have_an_answer(browser, folder, name, answer):
    put(browser, folder / name)
    browser.wait(lambda: answer in browser.text('#status'), answer)
    assert not bars(browser) and not browser.all('#evidence img') and not browser.all(
        '#faces input')


def test_examples_are_on_the_page(browser):
    put_away = browser.all('#photo button[aria-label="Remove Image"]')
    if put_away:
        put_away[0].click()
    browser.wait(lambda: browser.all('.gallery-item'), 'the examples')[0].click()
    browser.wait(lambda: '1 face' in browser.text('#status'), 'an answer')


def test_nothing_is_asked_of_another_machine(browser, server):
    hosts = {urlsplit(url).netloc for url in browser.requests() if url.startswith(('http', 'ws'))}
    assert hosts == {urlsplit(server.address).netloc}


def test_a_polite_kill_leaves_no_pictures(server, browser, folder):
    assert [path for path in folder.glob('ssfer-demo-*/**/*') if path.is_file()]
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=200) == 0
    assert 'deleted' in server.stdout.read() and 'Traceback' not in server.stderr.read()
    assert not list(folder.glob('ssfer-demo-*'))
