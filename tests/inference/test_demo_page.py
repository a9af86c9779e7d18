"""Parts of the page that the browser of test_demo_in_browser does not reach."""
import asyncio
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from ssfer_mm.command_line.packages import GRADIO
from ssfer_mm.inference import FERInferencer
from ssfer_mm.inference.demo_view import Seen
from ssfer_mm.inference.results import FaceResult
from support.faces import BlobDetector, MeanClassifier, scene

if importlib.util.find_spec('gradio') is None:
    pytest.skip(f'needs gradio: pip install "{GRADIO}"', allow_module_level=True)
from gradio.route_utils import delete_files_created_by_app  # noqa: E402
from gradio.state_holder import SessionState  # noqa: E402

from ssfer_mm.inference.demo_page import KeepAtHome, build_page, look_of_page, one_face  # noqa: E402


def test_an_exported_model_has_bars_but_no_map():
    exported, probabilities = SimpleNamespace(explains=False), dict(joy=0.75, fear=0.25)
    seen = Seen('', faces=(FaceResult((0, 0, 9, 9), 1., probabilities), ))
    bars, picture, caption = one_face(exported, seen, 0)
    assert bars == probabilities and picture is None and 'no gradients' in caption
    for number in (1, -1):  # a face of the picture before
        assert one_face(exported, seen, number) == (None, None, '')


def test_the_browser_is_told_to_ask_nobody_else():
    sent = []

    async def page(scope, receive, send):
        await send({'type': 'http.response.start', 'headers': [(b'a', b'b')]})
        await send({'type': 'http.response.body'})

    async def send(message):
        sent.append(message)

    asyncio.run(KeepAtHome(page)({}, None, send))
    start, body = sent
    assert start['headers'][0] == (b'a', b'b') and 'headers' not in body
    rules = dict(start['headers'])[b'content-security-policy'].decode()
    assert "default-src 'self'" in rules and not [word for word in rules.split() if '//' in word]


@pytest.mark.parametrize('part', ['label', 'title'])
@pytest.mark.parametrize('hours', ['', '_dark'])
def test_names_of_panels_can_be_read_by_day_and_by_night(part, hours):
    letters, plate = (getattr(look_of_page(), f'block_{part}_{what}{hours}')
                      for what in ('text_color', 'background_fill'))
    numbers = [int(color.removeprefix('*neutral_')) for color in (letters, plate)]
    assert abs(numbers[0] - numbers[1]) >= 500


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page, with ``uploads`` for what Gradio keeps."""
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'uploads'))
    (tmp_path / 'uploads').mkdir()
    cv2.imwrite(str(tmp_path / 'uploads/mine.png'), scene((10, 10, 20)))
    cv2.imwrite(str(tmp_path / 'diary.png'), scene((10, 10, 20)))
    (tmp_path / 'uploads/link.png').symlink_to(tmp_path / 'diary.png')
    return build_page(FERInferencer(MeanClassifier(), BlobDetector()), str(tmp_path / 'uploads'))


def put(page, upload):
    """What the page answers to a picture, as Gradio takes it from the browser: (picture,
    status)."""
    change, = (handler for handler in page.fns.values()
               if any(event == 'change' for _, event in handler.targets))
    answer = asyncio.run(page.process_api(change, [upload], SessionState(page)))
    return answer['data'][1:3]


def test_an_uploaded_picture_is_looked_at(page, tmp_path):
    for meta in ({}, dict(meta=dict(_type='gradio.FileData'))):
        picture, status = put(page, dict(path=str(tmp_path / 'uploads/mine.png'), **meta))
        assert picture and status == '**1 face**'
    assert put(page, None) == [None, '']


def test_copies_of_pictures_are_deleted_after_an_hour_and_the_examples_stay(page, tmp_path):
    upload = tmp_path / 'uploads/mine.png'
    page.upload_file_set.add(str(upload))  # as the route does that takes it
    picture, _ = put(page, dict(path=str(upload)))
    examples, = (block.samples for block in page.blocks.values() if hasattr(block, 'samples'))
    assert page.delete_cache[1] == 3600
    delete_files_created_by_app(page, age=3600)
    assert upload.exists() and Path(picture['path']).exists()
    delete_files_created_by_app(page, age=-1)  # as if they were older
    assert not upload.exists() and not Path(picture['path']).exists()
    assert len(examples) == 5 and all(Path(example['path']).exists() for example, in examples)


@pytest.mark.parametrize('path', ['diary.png', 'uploads/../diary.png', 'uploads/link.png',
                                  'uploadsX/../diary.png', 'none.png'])
def test_no_other_file_of_this_machine_is_opened(page, tmp_path, path):
    """Gradio checks the path of a payload with ``meta`` only."""
    picture, status = put(page, dict(path=f'{tmp_path}/{path}'))
    assert picture is None and status.startswith('**This is no picture that was uploaded here.**')


@pytest.mark.parametrize('path', [None, 'nul\0.png'])
def test_what_is_no_path_is_no_picture(page, path):
    assert put(page, dict(path=path))[0] is None
