"""``ssfer predict`` overwrites no photo, loses no row, and does not crash the interpreter."""
import csv
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import ssfer_cli
from ssfer_mm.errors import UserError
from ssfer_mm.inference import predict as predict_module


def predict(*arguments):
    return ssfer_cli.main(['predict', *arguments, '--model', 'm.onnx'])


@pytest.mark.parametrize('given, out, lost', [
    (['d1/a.png', 'd2/a.png'], 'd2', 'd2/a.png'),
    (['d2/a.png', 'd1/a.png'], './d1/../d2', 'd2/a.png'),
    (['d1/a.png', 'link/a.png'], 'd2', 'link/a.png'),
    (['d3'], 'd3', 'd3/x.bmp.png'),
    (['d1', 'd2', 'deep/d1'], 'deep', 'deep/d1/a.png'),
    (['d3/x.bmp'], 'd3', '/d3/x.bmp.png'),
], ids=["another's", 'its own', 'through a link', 'format changed', 'below a folder', 'beside it'])
def test_no_given_photo_is_overwritten(place, capsys, given, out, lost):
    for name, grey in (('d1/a.png', 1), ('d2/a.png', 2), ('d3/x.bmp', 3), ('d3/x.bmp.png', 4),
                       ('deep/d1/a.png', 5)):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(name, np.full((32, 32, 3), grey, np.uint8))
    Path('link').symlink_to('d2')
    before = {path: path.read_bytes() for path in place.rglob('*') if path.is_file()}
    assert predict(*given, '--out', out) == 2
    error = capsys.readouterr().err
    assert 'would overwrite the photo ' in error and f'{lost} with' in error
    assert {path: path.read_bytes() for path in place.rglob('*') if path.is_file()} == before


def test_no_video_beside_the_given_one_is_overwritten(place, capsys):
    Path('film.avi').write_bytes(before := Path('film.mp4').read_bytes())
    Path('film.avi.mp4').write_bytes(before)
    assert predict('film.avi', '--out', '.') == 2
    assert 'would overwrite the video ./film.avi.mp4: choose another' in capsys.readouterr().err
    assert Path('film.avi.mp4').read_bytes() == before
    for _ in range(2):  # what lies in another folder is the result of a run before
        assert predict('film.avi', '--out', 'out') == 0


@pytest.mark.parametrize('arguments', [
    ('--csv', 'photos/red.png', 'photos/deep/dark.jpg', 'photos/red.png'),
    ('photos', '--json', './photos/red.png'), ('--csv', 'film.mp4', 'film.mp4')],
    ids=['photo', 'of a folder', 'video'])
def test_no_given_file_becomes_a_table(place, capsys, arguments):
    before = {path: path.read_bytes() for path in place.rglob('*') if path.is_file()}
    assert predict(*arguments) == 2
    assert 'give the table a name of its own, such as --' in capsys.readouterr().err
    assert {path: path.read_bytes() for path in place.rglob('*') if path.is_file()} == before


@pytest.mark.parametrize('option, path, advice', [
    ('--csv', 'photos', '--csv photos/faces.csv'), ('--json', 'photos', 'photos/faces.json'),
    ('--out', 'film.mp4', '--out annotated')])
def test_files_and_folders_that_are_there_are_told_apart_before_the_model(
        place, capsys, monkeypatch, option, path, advice):
    monkeypatch.setattr(predict_module, 'make_inferencer', None)
    assert predict('photos', option, path) == 2
    assert advice in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != 'linux', reason='such names exist on Linux only')
def test_a_line_break_in_a_name_breaks_no_line(place, capfd):
    os.rename('photos/red.png', 'photos/two\nlines.png')
    Path('photos', 'bad\nred.png: anger.png').write_text('no image')
    assert predict('photos') == 1
    said = capfd.readouterr()
    assert 'two\\nlines.png: anger' in said.out and '\nlines.png' not in said.out
    assert 'bad\\nred.png: anger.png: unreadable' in said.err and '\nred' not in said.err


@pytest.mark.skipif(sys.platform != 'linux', reason='such names exist on Linux only')
def test_names_that_are_not_utf_8(place, capfd):
    odd = os.fsdecode(b'caf\xe9.png')
    os.rename('photos/red.png', f'photos/{odd}')
    Path('photos', os.fsdecode(b'bad\xe9.jpg')).write_text('no image')
    assert predict('photos', '--csv', 'r.csv', '--json', 'r.json', '--out', 'out') == 1
    with open('r.csv', newline='', encoding='utf-8') as file:
        assert [row['source'] for row in csv.DictReader(file)] == [
            'bad\\udce9.jpg', 'caf\\udce9.png', 'deep/dark.jpg']
    results = json.loads(Path('r.json').read_text())['results']
    assert results[1]['source'] == 'caf\\udce9.png' and os.path.isfile(f'out/{odd}')
    sys.stdout.reconfigure(errors='strict')
    assert predict(f'photos/{odd}') == 0
    assert 'photos/caf\\udce9.png: anger' in capfd.readouterr().out
    os.rename('film.mp4', film := os.fsdecode(b'caf\xe9.mp4'))
    assert predict(film) == 2, 'OpenCV would crash the interpreter'
    assert 'rename the video' in capfd.readouterr().err


@pytest.mark.parametrize('raised', [UserError('no room'), KeyboardInterrupt()], ids=type)
def test_frames_are_not_read_any_more_when_the_video_is_released(place, monkeypatch, raised):
    events = []

    class Endless(predict_module.FrameSource):
        def frames(self):
            try:
                first = next(super().frames())
                while True:
                    yield first
            finally:
                events.append('reading ended')

        def __exit__(self, *exception):
            events.append('released')
            super().__exit__(*exception)

    def fail(tally, result):
        raise raised

    monkeypatch.setattr(predict_module, 'FrameSource', Endless)
    monkeypatch.setattr(predict_module.Tally, 'add', fail)
    assert predict('film.mp4', '--csv', 'r.csv') in (2, 130)
    assert events == ['reading ended', 'released']
