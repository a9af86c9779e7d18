"""``ssfer predict`` and ``ssfer models``: files written, exit status, and one line per mistake."""
import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import ssfer_cli
import ssfer_onnx
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.inference import backends, video_source
from ssfer_mm.inference import predict as predict_module
from ssfer_mm.inference.sources import Video

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ['anger', 'neutral', 'fear', 'disgust']  # of the model in conftest.py


def run(*arguments):
    return ssfer_cli.main(list(arguments))


def predict(*arguments):
    return run('predict', *arguments, '--model', 'm.onnx')


def test_a_folder_into_tables_and_pictures(place, capsys):
    assert predict('photos', '--csv', 'r.csv', '--json', 'sub/r.json', '--out', 'out') == 0
    with open('r.csv', newline='') as file:
        rows = {row['source']: row for row in csv.DictReader(file)}
    assert rows['deep/dark.jpg']['status'] == 'no face' and rows['deep/dark.jpg']['anger'] == ''
    row = rows['red.png']
    assert (row['status'], row['face'], row['label']) == ('ok', '0', 'anger')
    assert [float(row[edge]) for edge in ('x1', 'y1', 'x2', 'y2')] == [4, 4, 20, 24]
    assert sum(float(row[name]) for name in CLASSES) == pytest.approx(1, abs=1e-5)
    data = json.loads(Path('sub/r.json').read_text())
    model = dict(name='m', file='m.onnx', sha256=sha256_of('m.onnx'), classes=CLASSES)
    assert data['model'] == model and data['detector']['detector'] == 'onnx:bright'
    assert [result['source'] for result in data['results']] == ['deep/dark.jpg', 'red.png']
    face = data['results'][1]['faces'][0]
    assert face['label'] == 'anger' and float(row['anger']) == face['probabilities']['anger']
    drawn = cv2.imread('out/red.png')
    assert drawn.shape == (192, 192, 3), 'room for words'
    assert (drawn[::6, ::6] != cv2.imread('photos/red.png')).any()
    assert (cv2.imread('out/deep/dark.jpg') == 0).all()
    said = capsys.readouterr().out
    assert '2 images: 1 with 1 face (anger 1), 1 without a face' in said
    assert 'inside the two networks' in said and 'reading' in said


def test_a_single_photo_has_no_summary(place, capsys):
    assert predict('photos/red.png') == 0
    loaded, face, *scores = capsys.readouterr().out.splitlines()
    assert 'loaded in' in loaded and face.startswith('photos/red.png: anger')
    assert all(line.startswith(' ') for line in scores)


def test_unreadable_files_do_not_stop_the_others(place, capsys):
    Path('photos/bad.jpg').write_text('no image')
    assert predict('photos', '--csv', 'r.csv', '--out', 'out') == 1
    with open('r.csv', newline='') as file:
        status = {row['source']: row['status'] for row in csv.DictReader(file)}
    assert status['red.png'] == 'ok' and status['bad.jpg'].startswith('unreadable: ')
    assert 'bad.jpg: unreadable' in capsys.readouterr().err
    assert sorted(path.name for path in Path('out').rglob('*.*')) == ['dark.jpg', 'red.png']


def test_one_photo_is_answered_on_the_terminal(place, capsys):
    assert predict('photos/red.png', 'photos/deep/dark.jpg') == 0
    said = capsys.readouterr().out
    assert 'photos/red.png: anger, face at (4, 4, 20, 24) with score 0.70' in said
    shares = next(line for line in said.splitlines() if line.startswith('    anger'))
    assert set(CLASSES) == {part.split()[0] for part in shares.split(',')}, 'all of them'
    assert sum(float(part.split()[1]) for part in shares.split(',')) == pytest.approx(100, abs=.3)
    assert 'photos/deep/dark.jpg: no face' in said


def test_drawing_does_not_change_the_answer(place):
    """A large photo is looked at reduced, and drawn into as it is."""
    rng = np.random.default_rng(0)
    photo = cv2.resize(rng.integers(90, 256, (9, 12, 3), np.uint8), (320, 240))
    cv2.imwrite('large.jpg', photo)
    assert predict('large.jpg', '--csv', 'plain.csv') == 0
    assert predict('large.jpg', '--csv', 'drawn.csv', '--out', 'out') == 0
    rows = Path('plain.csv').read_text()
    assert ',ok,' in rows and rows == Path('drawn.csv').read_text()
    assert cv2.imread('out/large.jpg').shape == photo.shape


def test_photos_may_stand_behind_options(place, capsys):
    assert run('predict', 'photos/red.png', '--model', 'm.onnx', 'photos/deep/dark.jpg') == 0
    assert '2 images: ' in capsys.readouterr().out
    for words in (['predict', 'photos', '--nonsense', 'x'], ['models', 'x']):
        with pytest.raises(SystemExit):
            run(*words)
        assert 'unrecognized arguments: ' in capsys.readouterr().err


def test_a_link_to_what_is_missing_is_called_one(place, capsys):
    Path('photos/lost.jpg').symlink_to('gone.jpg')
    assert predict('photos') == 1
    said = capsys.readouterr().err
    assert "is a link to 'gone.jpg', which does not exist" in said and 'data_root' not in said
    assert predict('photos/lost.jpg') == 2
    assert 'photos/lost.jpg is a link to gone.jpg, which does not' in capsys.readouterr().err


@pytest.mark.parametrize('option', ['--csv', '--json'])
def test_a_dash_is_no_name_of_a_table(place, capsys, option):
    assert predict('photos', option, '-') == 2
    assert f'name one, such as {option} faces.' in capsys.readouterr().err
    assert not Path('-').exists()


def test_files_that_differ_in_their_ending_alone_are_all_drawn(place):
    Path('film.avi').write_bytes(Path('film.mp4').read_bytes())
    cv2.imwrite('photos/red.bmp', cv2.imread('photos/red.png'))
    for name in ('film.avi', 'film.mp4', 'photos/red.bmp', 'photos/red.png'):
        assert predict(name, '--out', 'out') == 0
    assert sorted(os.listdir('out')) == ['film.avi.mp4', 'film.mp4', 'red.bmp.png', 'red.png']


def test_what_a_folder_holds_besides_is_said(place, capsys):
    for name in ('photos/film.MP4', 'photos/deep/a.heic', 'photos/b.HEIC'):
        Path(name).write_bytes(b'?')
    assert predict('photos') == 0
    said = capsys.readouterr().err
    assert 'photos: 1 file left out (.mp4): give each video' in said
    assert 'photos: 2 files left out (.heic): convert them to .jpg' in said
    Path('phone').mkdir()
    Path('phone/c.heic').write_bytes(b'?')
    assert predict('phone') == 2
    assert 'holds no images' in (said := capsys.readouterr().err) and 'convert them' in said


def test_a_table_names_no_folder_of_this_machine(place):
    assert run('predict', 'photos', '--model', str(place / 'm.onnx'), '--json', 'r.json') == 0
    text = Path('r.json').read_text()
    assert str(place) not in text and json.loads(text)['model']['file'] == 'm.onnx'


def test_the_name_of_an_annotated_video_is_said(place, capsys):
    Path('film.avi').write_bytes(Path('film.mp4').read_bytes())
    assert predict('film.avi', '--out', 'out') == 0
    assert 'written to out/film.avi.mp4\n' in capsys.readouterr().out


def test_a_video_into_a_table_and_a_video(place):
    assert predict('film.mp4', '--csv', 'r.csv', '--out', 'out', '--smooth') == 0
    with open('r.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['frame'] for row in rows] == [str(k) for k in range(7)]
    assert {row['track'] for row in rows} == {'1'} and rows[3]['time'] == '0.3'
    drawn = cv2.VideoCapture('out/film.mp4')
    assert drawn.get(cv2.CAP_PROP_FRAME_COUNT) == 7
    assert drawn.read()[1].shape == (192, 192, 3), 'room for words'


def test_a_video_of_one_frame_is_answered(place, capsys):
    writer = cv2.VideoWriter('one.mp4', cv2.VideoWriter_fourcc(*'mp4v'), 10, (32, 32))
    writer.write(cv2.imread('photos/red.png'))
    writer.release()
    assert predict('one.mp4') == 0
    assert '1 frame: 1 with 1 face (anger 1), 0 without a face' in capsys.readouterr().out


def test_smooth_takes_no_video_for_its_seconds(place, capsys):
    with pytest.raises(SystemExit):
        predict('--smooth', 'film.mp4')
    assert "got 'film.mp4'; to leave them out, put --smooth last" in capsys.readouterr().err


@pytest.mark.parametrize('seconds', ['-1', '0', 'inf', 'nan'])
def test_seconds_that_smooth_nothing_are_refused(place, capsys, seconds):
    with pytest.raises(SystemExit):
        predict('film.mp4', f'--smooth={seconds}')
    assert 'expected seconds above 0, such as 0.5' in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [['film.mp4', '--show'], ['film.mp4', '--out', '.']])
def test_what_cannot_be_shown_or_written_is_told_before_the_model_is_loaded(place, monkeypatch,
                                                                           arguments):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    monkeypatch.setattr(sys, 'platform', 'linux')
    monkeypatch.setattr(predict_module, 'make_inferencer', lambda args: pytest.fail('loaded'))
    assert predict(*arguments) == 2


@pytest.mark.parametrize('arguments, words', [
    (['nothing'], 'does not exist'),
    (['empty'], 'holds no images'),
    (['empty.mp4'], 'empty file'),
    (['webcam:63'], 'no camera 63'),
    (['photos', '--smooth'], '--smooth is for videos'),
    (['photos', '--out', 'photos'], 'overwrite'),
    (['film.mp4', '--out', '.'], 'overwrite'),
    (['photos', '--csv', 'photos'], 'is a folder'),
    (['photos', '--csv', 'm.onnx/r.csv'], 'cannot write'),
    (['photos', '--csv', 'r', '--json', './r'], 'would overwrite the table of --csv'),
    (['photos', '--out', 'm.onnx'], 'cannot write'),
    (['film.mp4', '--out', 'm.onnx'], 'choose another --out'),
    (['film.mp4', '--out', 'm.onnx/sub'], 'choose another --out'),
    (['photos', '--margin', '-1'], '--margin'),
    (['photos', '--margin', '0', '--detector', 'whole'], '--margin 0.0 is for'),
    (['photos', '--batch-size', '0'], '--batch-size'),
    (['photos', '--score-threshold', '2'], '--score-threshold'),
    (['photos', '--dataset', 'rafdb'], '--dataset is of no use'),
    (['photos', '--device', 'cuda'], '--device cuda is for torch'),
    (['photos', '--detector', 'none.onnx'], 'does not exist'),
    (['photos', '--backend', 'onnx', '--detector', 'fixed'], 'whole'),
    (['photos', '--backend', 'onnx', '--detector', 'yunet:x.onnx'], 'yunet:x.onnx needs torch'),
    (['photos', '--backend', 'torch'], 'use --backend onnx'),
    (['photos', '--detector', 'nonsense'], "--detector nonsense: use 'embedded', 'whole' for"),
    (['photos', '--detector', 'yunet:'], "'yunet:FILE.onnx'"),
])
def test_mistakes_are_one_line(place, capsys, arguments, words):
    (place / 'empty').mkdir()
    (place / 'empty.mp4').write_bytes(b'')
    before = {path for path in place.rglob('*') if path.is_file()}
    assert predict(*arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('error: ') and words in error
    assert {path for path in place.rglob('*') if path.is_file()} == before


@pytest.mark.parametrize('option', ['--csv', '--json'])
@pytest.mark.parametrize('path', ['/dev/stdout', '/dev/null'])
def test_a_table_for_a_device_is_refused_before_the_model_is_loaded(
        place, monkeypatch, capsys, option, path):
    monkeypatch.setattr(predict_module, 'make_inferencer', lambda args: pytest.fail('loaded'))
    assert predict('photos', option, path) == 2
    assert f'{option} {path} is a device or pipe' in capsys.readouterr().err


def test_a_video_that_was_cut_off_is_told_after_its_frames(place, monkeypatch, capsys):
    class Cut(predict_module.FrameSource):
        def frames(self):
            yield from super().frames()
            self.problem = 'only 7 of 9 announced frames can be decoded'

    monkeypatch.setattr(predict_module, 'FrameSource', Cut)
    assert predict('film.mp4', '--csv', 'r.csv') == 1
    said = capsys.readouterr()
    assert 'film.mp4: only 7 of 9' in said.err
    assert ', 0 without a face\n' in said.out, 'the film is no image that could not be read'
    assert len(Path('r.csv').read_text().splitlines()) == 1 + 7


@pytest.fixture
def camera(monkeypatch):
    """A film for a camera, and a window that is closed with the third picture."""
    class Film(predict_module.FrameSource):
        def __init__(self, source):
            super().__init__(Video('film.mp4'))
            self.name, self.live = f'webcam:{source.number}', True

    shown = []
    monkeypatch.setattr(predict_module, 'FrameSource', Film)
    monkeypatch.setattr(predict_module, 'check_window', lambda: None)
    monkeypatch.setattr(predict_module, 'show', lambda frame: shown.append(frame) or len(shown) < 3)


def test_pictures_of_a_camera_are_kept_or_shown(place, camera, capsys):
    assert predict('webcam') == 2
    assert 'nothing would be kept of the camera: add --show' in capsys.readouterr().err
    assert predict('webcam:1', '--show', '--csv', 'r.csv', '--out', 'out') == 0
    assert len(Path('r.csv').read_text().splitlines()) == 1 + 3
    assert [path.name for path in Path('out').iterdir()] == ['webcam_1.mp4']
    first = Path('out/webcam_1.mp4').read_bytes()
    for _ in range(2):  # what was recorded before cannot be recorded again
        assert predict('webcam:1', '--out', 'out', '--show') == 0
    assert sorted(path.name for path in Path('out').iterdir()) == [
        'webcam_1.mp4', 'webcam_1_2.mp4', 'webcam_1_3.mp4']
    assert Path('out/webcam_1.mp4').read_bytes() == first


def test_a_recording_has_the_times_of_the_camera(place, camera, monkeypatch):
    """Rows and film of three pictures, of which a film of 10 per second would take 0.3 s."""
    monkeypatch.setattr(video_source, 'monotonic', iter([0, 0.3, 0.6]).__next__)
    assert predict('webcam', '--show', '--csv', 'r.csv', '--out', 'out') == 0
    with open('r.csv', newline='') as file:
        assert [row['time'] for row in csv.DictReader(file)] == ['0.0', '0.3', '0.6']
    assert cv2.VideoCapture('out/webcam_0.mp4').get(cv2.CAP_PROP_FRAME_COUNT) == 7


def test_a_film_whose_frames_have_no_rate_has_their_times(place, monkeypatch):
    """Of seven frames, of which a film of 10 per second would take 0.7 s."""
    class Screen(predict_module.FrameSource):
        def __init__(self, source):
            super().__init__(source)
            self.uneven = True

        def _time(self, index, before):
            return 0.3 * index

    monkeypatch.setattr(predict_module, 'FrameSource', Screen)
    assert predict('film.mp4', '--out', 'out') == 0
    assert cv2.VideoCapture('out/film.mp4').get(cv2.CAP_PROP_FRAME_COUNT) == 19


def test_ctrl_c_is_how_the_recording_of_a_camera_ends(place, camera, monkeypatch):
    monkeypatch.setattr(predict_module.Tally, 'add',
                        lambda tally, result: signal.raise_signal(signal.SIGINT))
    assert predict('webcam', '--csv', 'r.csv') == 0
    assert len(Path('r.csv').read_text().splitlines()) == 1 + 1


@pytest.mark.parametrize('given, installed, chosen', [
    (dict(model='a.onnx'), {'torch'}, 'onnx'),
    (dict(model='a.pth'), {'onnxruntime'}, 'torch'),
    (dict(model='name'), {'torch', 'onnxruntime'}, 'torch'),
    (dict(model='name'), {'onnxruntime'}, 'onnx'),
    (dict(), {'onnxruntime'}, 'onnx'),
    (dict(), set(), 'torch'),
    (dict(backend='torch'), {'onnxruntime'}, 'torch'),
])
def test_which_back_end_is_meant(given, installed, chosen, monkeypatch):
    monkeypatch.setattr(backends, 'is_installed', lambda module: module in installed)
    assert backends.BackendSettings(**given).chosen_backend == chosen


@pytest.mark.parametrize('cores, threads', [(1, '1'), (2, '1'), (8, '7')])
def test_one_core_is_left_to_the_readers(place, monkeypatch, cores, threads):
    given = []

    class Session(ssfer_onnx.OnnxClassifier):
        def __init__(self, *arguments, threads, **options):
            given.append(str(threads))
            super().__init__(*arguments, threads=threads, **options)

    monkeypatch.setattr(ssfer_onnx, 'OnnxClassifier', Session)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: range(cores), raising=False)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    assert predict('photos/red.png') == 0
    assert given == [threads] and os.environ['OMP_NUM_THREADS'] == threads
    monkeypatch.setenv('OMP_NUM_THREADS', '5')
    assert predict('photos/red.png') == 0
    assert os.environ['OMP_NUM_THREADS'] == '5', 'the user knows better'


def test_unknown_model(place, capsys):
    assert run('predict', 'photos', '--model', 'rafdb') == 2
    assert "no model is called 'rafdb'" in capsys.readouterr().err
    assert run('predict', 'photos') == 2
    assert 'convert_checkpoint' in capsys.readouterr().err


def test_models_are_listed(place, capsys):
    assert run('models') == 0
    assert 'no model is found' in capsys.readouterr().out
    Path('work_dirs/run').mkdir(parents=True)
    Path('work_dirs/run/classifier.onnx').write_bytes(b'')
    assert run('models') == 0
    assert 'run/classifier.onnx' in capsys.readouterr().out


def test_a_model_for_both_back_ends_is_listed_once(place, capsys):
    entry = dict(file='a.safetensors', onnx='a.onnx', about='of the package')
    Path('nothing shipped').mkdir()
    Path('nothing shipped/models.json').write_text(json.dumps({'a': entry}))
    assert run('models') == 0
    line, = capsys.readouterr().out.splitlines()
    assert line.startswith('a  of the package  (') and line.endswith('a.onnx)')
    assert 'a.safetensors, ' in line


# Everything that a machine with only numpy, opencv and onnxruntime lacks.
WITHOUT = '''
import importlib.abc, sys
ABSENT = {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'PIL', 'matplotlib',
          'tqdm', 'packaging', 'safetensors'}
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ABSENT:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, ROOT)
import ssfer_cli
sys.exit(ssfer_cli.main(sys.argv[1:]))
'''


def test_onnx_needs_only_numpy_opencv_and_onnxruntime(place):
    code = WITHOUT.replace('ROOT', repr(str(ROOT)))
    for source in ('photos', 'film.mp4'):
        done = subprocess.run(
            [sys.executable, '-c', code, 'predict', source, '--model', 'm.onnx', '--csv', 'r.csv',
             '--json', 'r.json', '--out', 'out'], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert 'anger' in Path('r.csv').read_text()
    done = subprocess.run([sys.executable, '-c', code, 'predict', 'photos', '--model', 'x.pth'],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "no model is called 'x.pth'" in done.stderr
