"""Videos: frames streamed, annotated and smoothed; files and cameras that give none."""
import os
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from ssfer_mm import UserError
from ssfer_mm.inference import FERInferencer, FrameSource, Video, Webcam, predict_video, video
from ssfer_mm.inference.annotate import draw_result
from ssfer_mm.inference.results import ImageResult
from ssfer_mm.inference.video import check_window, show, video_sink
from support.faces import BlobDetector, MeanClassifier, scene

ROOT = Path(__file__).resolve().parents[2]
# Writes 60 frames that no codec makes small, where no file may be larger than 60 kB.
FULL_DISK = '''
import resource, signal, sys
sys.path.insert(0, ROOT)
import ssfer_cli
ssfer_cli.prepare_packages()
import numpy as np
from ssfer_mm.errors import UserError
from ssfer_mm.inference.video import video_sink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
noise = np.random.default_rng(0)
try:
    with video_sink(sys.argv[1], 10, (128, 128), lambda frame, result: frame) as sink:
        for _ in range(60):
            sink.put((noise.integers(0, 256, (128, 128, 3), np.uint8), None))
except UserError as error:
    sys.exit(f'told: {error}')
'''.replace('ROOT', repr(str(ROOT)))


def write_video(path, frames, rate=10):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), rate, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return str(path)


@pytest.fixture
def film(tmp_path):
    """A blob that moves by two pixels per frame."""
    return write_video(tmp_path / 'film.mp4',
                       [scene((20 + 2 * k, 40, 32), size=(128, 160)) for k in range(10)])


@pytest.fixture
def inferencer():
    return FERInferencer(MeanClassifier(), BlobDetector(), batch_size=4)


def test_frames_in_order_with_times_and_batches(film, inferencer):
    with FrameSource(Video(film)) as source:
        assert (source.size, source.total, source.rate) == ((160, 128), 10, 10)
        results = [result for _, result in predict_video(inferencer, source)]
        assert source.problem == ''
    assert [result.frame for result in results] == list(range(10))
    assert results[5].time == pytest.approx(0.5) and results[0].source == film
    assert [result.faces[0].box[0] for result in results] == pytest.approx(
        [20 + 2 * k for k in range(10)], abs=2)
    assert inferencer._pipeline.detector.batches == [4, 4, 2]


def test_smoothing_follows_a_person(film, inferencer):
    with FrameSource(Video(film)) as source:
        results = [result for _, result in predict_video(inferencer, source, smooth=0.5)]
    assert {result.faces[0].track for result in results} == {1}


def test_annotated_video(film, inferencer, tmp_path):
    target = tmp_path / 'out.mp4'
    with FrameSource(Video(film)) as source:
        with video_sink(str(target), source.rate, source.size, draw_result) as sink:
            assert not target.exists(), 'only when it is complete'
            for loaded, result in predict_video(inferencer, source):
                sink.put((loaded.pixels, result))
    with FrameSource(Video(str(target))) as written, FrameSource(Video(film)) as original:
        assert (written.size, written.total, written.rate) == ((160, 128), 10, 10)
        new = next(iter(written.frames())).pixels.astype(int)
        old = next(iter(original.frames())).pixels
        assert (np.abs(new - old).max(axis=2) > 60).sum() > 100
    assert sorted(os.listdir(tmp_path)) == ['film.mp4', 'out.mp4']
    assert target.stat().st_mode == os.stat(film).st_mode, 'for whom the user says'


def test_a_failing_run_leaves_no_video(film, tmp_path):
    with pytest.raises(KeyError):
        with video_sink(str(tmp_path / 'out.mp4'), 10, (160, 128), draw_result):
            raise KeyError
    assert os.listdir(tmp_path) == ['film.mp4']


@pytest.mark.skipif(sys.platform != 'linux', reason='limits are set in another way')
def test_a_full_disk_leaves_the_video_from_before(film, tmp_path):
    before = Path(film).read_bytes()
    done = subprocess.run([sys.executable, '-c', FULL_DISK, film], capture_output=True, text=True,
                          timeout=100)
    assert f'told: cannot write {film}: the video broke off' in done.stderr
    assert done.returncode == 1 and Path(film).read_bytes() == before
    assert os.listdir(tmp_path) == ['film.mp4']


def test_odd_edges_are_written_too(inferencer, tmp_path):
    frame = scene((8, 8, 20), size=(61, 81))
    with video_sink(str(tmp_path / 'o.mp4'), 10, (81, 61), draw_result) as sink:
        sink.put((frame, inferencer(frame)[0]))
    with FrameSource(Video(str(tmp_path / 'o.mp4'))) as source:
        assert source.size == (80, 60)


@pytest.mark.parametrize('rate, written', [
    (25, 25), (23.976024, 23.976), (239.873, 239.87), (119.9634, 119.96), (655.36, 655.4),
    (1000, 1000)])
def test_any_rate_is_written_as_exactly_as_the_codec_can(tmp_path, rate, written):
    path = tmp_path / 'r.mp4'
    with video_sink(str(path), rate, (64, 64), lambda frame, result: frame) as sink:
        for _ in range(60):
            sink.put((scene(size=(64, 64)), None))
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(written, abs=1e-4)
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 60


def test_folders_of_which_opencv_would_die(tmp_path):
    folder = os.path.join(tmp_path, 'caf\udce9')
    with pytest.raises(UserError, match='choose another --out'):
        with video_sink(os.path.join(folder, 'o.mp4'), 10, (64, 64), draw_result):
            pass
    assert not os.path.exists(folder)


def test_videos_without_frames(film, tmp_path):
    (tmp_path / 'empty.mp4').write_bytes(b'')
    (tmp_path / 'text.mp4').write_text('no video')
    with open(film, 'rb') as file:
        (tmp_path / 'header.mp4').write_bytes(file.read(40))
    for name, words in (('empty', 'empty file'), ('text', 'cannot be opened'),
                        ('header', 'cannot be opened'), ('none', 'does not exist')):
        with pytest.raises(UserError, match=words):
            FrameSource(Video(str(tmp_path / f'{name}.mp4')))


def test_a_video_of_an_unknown_codec_is_one_line(tmp_path, capfd):
    path = tmp_path / 'strange.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 64))
    writer.write(scene(size=(64, 64)))
    writer.release()
    path.write_bytes(path.read_bytes().replace(b'MJPG', b'ZZZZ'))
    with pytest.raises(UserError, match='ffmpeg -i VIDEO'):
        FrameSource(Video(str(path)))
    assert capfd.readouterr().err == '', 'OpenCV complains of decoders'


def test_a_video_that_opens_and_cannot_be_decoded(film, monkeypatch):
    monkeypatch.setattr(cv2, 'VideoCapture', lambda path: Capture(0, 10))
    with pytest.raises(UserError, match='no frame of the video .* as AV1.*ffmpeg -i VIDEO'):
        FrameSource(Video(film))


class Capture:
    """A camera or file that sends so many frames and announces others."""

    def __init__(self, sent, announced=0):
        self.left, self.announced = sent, announced

    def isOpened(self):
        return True

    def read(self):
        self.left -= 1
        return (True, scene()) if self.left >= 0 else (False, None)

    def get(self, key):
        return self.announced if key == cv2.CAP_PROP_FRAME_COUNT else 0

    def release(self):
        pass


class SlowCapture(Capture):
    """Notes whether it is released while a frame is read, of which OpenCV dies."""

    def __init__(self):
        super().__init__(2)
        self.reading, self.released = threading.Event(), threading.Event()
        self.disturbed = False

    def read(self):
        self.reading.set()
        self.released.wait(0.5)  # long enough for one that does not wait for the end of this
        self.reading.clear()
        return super().read()

    def release(self):
        self.disturbed = self.reading.is_set()
        self.released.set()


def test_a_source_is_not_released_while_it_is_read(monkeypatch, film):
    capture = SlowCapture()
    monkeypatch.setattr(cv2, 'VideoCapture', lambda path: capture)
    with FrameSource(Video(film)) as source:
        frames = source.frames()
        next(frames)  # was read before
        thread = threading.Thread(target=next, args=(frames,))
        thread.start()
        assert capture.reading.wait(60)
    thread.join(60)
    assert capture.released.is_set() and not capture.disturbed


def test_whoever_takes_only_some_frames_ends_the_reading(film, inferencer):
    before = threading.active_count()
    with FrameSource(Video(film)) as source:
        found = predict_video(inferencer, source)
        next(found)
        found.close()
        assert threading.active_count() == before


def test_announced_frames_that_are_missing(film, monkeypatch):
    for sent, announced, problem in ((100, 100, ''), (95, 100, ''), (94, 100, 'only 94 of 100'),
                                     (7, 10, ''), (6, 10, 'only 6 of 10'), (5, 0, '')):
        monkeypatch.setattr(cv2, 'VideoCapture', lambda path: Capture(sent, announced))  # noqa: B023
        with FrameSource(Video(film)) as source:
            assert source.total == (announced or None)
            assert len(list(source.frames())) == sent
            assert source.problem.startswith(problem) and bool(source.problem) == bool(problem)
            assert source.rate == 25, 'where the file does not say'


def test_cameras(monkeypatch, inferencer):
    monkeypatch.setattr(cv2, 'VideoCapture', lambda number: Capture(3))
    with FrameSource(Webcam(1)) as source:
        assert source.name == 'webcam:1' and source.total is None
        assert len(list(predict_video(inferencer, source))) == 3
        assert 'stopped' in source.problem
    assert inferencer._pipeline.detector.batches == [1, 1, 1], 'answered at once'
    monkeypatch.setattr(cv2, 'VideoCapture', lambda number: Capture(0))
    with pytest.raises(UserError, match='webcam:1 sends no pictures'):
        FrameSource(Webcam(1))


def test_a_recording_plays_as_fast_as_it_was_taken(tmp_path):
    path, drawn = str(tmp_path / 'r.mp4'), []

    def draw(frame, result):
        drawn.append(result.time)
        return np.full((64, 64, 3), 80 * result.time, np.uint8)

    with video_sink(path, 10, (64, 64), draw, live=True) as sink:
        for time in (0, 0.5, 1, 2):
            sink.put((scene(), ImageResult('webcam', 'no face', time=time)))
    assert drawn == [0, 0.5, 1, 2], 'each once'
    with FrameSource(Video(path)) as written:
        assert written.rate == 10
        shown = [round(frame.pixels.mean() / 80, 1) for frame in written.frames()]
    assert shown == [0] * 5 + [0.5] * 5 + [1] * 10 + [2]


def test_a_recording_has_no_more_pictures_than_can_be_written_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(video, 'RECORDED_PIXELS', 5 * 64 * 64)
    path = str(tmp_path / 'r.mp4')
    with video_sink(path, 30, (64, 64), lambda frame, result: frame, live=True) as sink:
        for k in range(31):
            sink.put((scene(size=(64, 64)), ImageResult('webcam', 'no face', time=k / 30)))
    with FrameSource(Video(path)) as written:
        assert (written.rate, written.total) == (5, 6)


@pytest.mark.parametrize('times, frames', [
    ([k / 30 for k in range(61)], 51), ([7, 7.1, 7.1, 8], 26), ([0, 1, 1e9, 1e9 + 1], 51 + 250)],
    ids=['faster', 'not from 0 on', 'absurd'])
def test_a_film_of_told_times_plays_as_long_as_they_say(tmp_path, monkeypatch, times, frames):
    monkeypatch.setattr(video, 'LONGEST_STILL', 10)
    path = str(tmp_path / 'r.mp4')
    with video_sink(path, 25, (64, 64), lambda frame, result: frame, uneven=True) as sink:
        for time in times:
            sink.put((scene(size=(64, 64)), ImageResult('screen.webm', 'no face', time=time)))
    with FrameSource(Video(path)) as written:
        assert (written.rate, written.total) == (25, frames)


@pytest.mark.parametrize('key, goes_on', [(-1, True), (ord('x'), True), (ord('q'), False),
                                          (27, False), (0x100000 + ord('q'), False)])
def test_a_window_is_shown_until_a_key_ends_it(monkeypatch, key, goes_on):
    shown = []
    monkeypatch.setattr(cv2, 'imshow', lambda name, frame: shown.append(frame))
    monkeypatch.setattr(cv2, 'waitKey', lambda pause: key)
    assert show(scene()) == goes_on and len(shown) == 1


@pytest.mark.skipif(sys.platform != 'linux', reason='others have a display')
def test_no_window_can_be_opened(monkeypatch):
    def headless(*arguments):
        raise cv2.error('The function is not implemented')

    monkeypatch.setattr(cv2, 'currentUIFramework', lambda: 'QT', raising=False)
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match='no display.: leave --show out'):
        check_window()
    monkeypatch.setenv('WAYLAND_DISPLAY', 'wayland-0')
    check_window()
    monkeypatch.setattr(cv2, 'imshow', headless)
    with pytest.raises(UserError, match='headless.*leave --show out'):
        show(scene())
    monkeypatch.setattr(cv2, 'currentUIFramework', lambda: '', raising=False)
    with pytest.raises(UserError, match='headless.*leave --show out'):
        check_window()


def test_no_camera():
    with pytest.raises(UserError, match='no camera 63'):
        FrameSource(Webcam(63))
