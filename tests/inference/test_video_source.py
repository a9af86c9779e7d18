"""At what time a frame was taken."""
import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.inference import FrameSource, Video, Webcam, video_source
from support.faces import scene


class Capture:
    """A camera or film of 10 frames per second, which tells their times in ms."""

    def __init__(self, times, rate=10, announced=0):
        self.times, self.now = list(times), 0
        self.told = {cv2.CAP_PROP_FPS: rate, cv2.CAP_PROP_FRAME_COUNT: announced}

    def isOpened(self):
        return True

    def read(self):
        if not self.times:
            return False, None
        self.now = self.times.pop(0)
        return True, scene()

    def get(self, key):
        return self.now if key == cv2.CAP_PROP_POS_MSEC else self.told.get(key, 0)

    def release(self):
        pass


@pytest.mark.parametrize('told', [[0, 0, 0, 0], [5000, 5033, 5066, 5100]],
                         ids=['silent', 'since the start of the machine'])
def test_pictures_of_a_camera_have_the_time_at_which_they_came(monkeypatch, told):
    """However many it promises, it is read only as fast as the last one was answered."""
    clock = [100, 100.5, 101, 102]
    monkeypatch.setattr(cv2, 'VideoCapture', lambda number: Capture(told))
    monkeypatch.setattr(video_source, 'monotonic', lambda: clock.pop(0))
    with FrameSource(Webcam()) as source:
        assert source.rate == 10
        assert [frame.time for frame in source.frames()] == [0, 0.5, 1, 2]


@pytest.mark.parametrize('told, times', [
    ([0, 100, 1100, 1100, 1200], [0, 0.1, 1.1, 1.1, 1.2]),
    ([40, 140, 240], [0.04, 0.14, 0.24]),
    ([0, 0, 0], [0, 0.1, 0.2]),
    ([-9e15, -9e15, float('nan')], [0, 0.1, 0.2]),
    ([0, 100, 200, 0, 40, 600], [0, 0.1, 0.2, 0.3, 0.4, 0.6]),
    ([0, 900, 100, 200], [0, 0.9, 0.9, 0.9]),
], ids=['variable', 'later', 'silent', 'unknown', 'begins anew', 'goes back'])
def test_frames_have_the_times_that_the_file_tells(tmp_path, monkeypatch, told, times):
    (tmp_path / 'film.mp4').write_bytes(b'?')
    monkeypatch.setattr(cv2, 'VideoCapture', lambda path: Capture(told))
    with FrameSource(Video(str(tmp_path / 'film.mp4'))) as source:
        assert [frame.time for frame in source.frames()] == pytest.approx(times)


@pytest.mark.parametrize('rate, announced, last, found', [
    # What is announced is the length of 2 or 0.5 s, in ms, or in frames of 0.01 s.
    (1000, 2000, 1970, ''), (1000, 2000, 900, 'only 0.9 of 2.0 announced seconds'),
    (1000, 500, 400, ''), (1000, -1, 900, ''),
    (100, 200, 1970, ''), (100, 200, 900, 'only 60 of 200 announced frames'),
    # It is a number of frames.
    (1000, 60, 1970, ''), (90000, 60, 1970, ''), (100, 60, 1970, ''),
    (90000, 120, 1970, 'only 60 of 120 announced frames'),
    (100, 120, 1970, 'only 60 of 120 announced frames')])
def test_a_recording_of_a_screen_is_complete_if_its_end_is_read(
        tmp_path, monkeypatch, rate, announced, last, found):
    """Its 60 frames come when there is something new, and have no rate."""
    (tmp_path / 'screen.webm').write_bytes(b'?')
    times = np.linspace(0, last, 60)
    monkeypatch.setattr(cv2, 'VideoCapture', lambda path: Capture(times, rate, announced))
    with FrameSource(Video(str(tmp_path / 'screen.webm'))) as source:
        assert [frame.time for frame in source.frames()] == pytest.approx(times / 1000)
        assert source.problem.startswith(found) and bool(source.problem) == bool(found)
        assert source.uneven == (rate >= 1000)
        assert source.rate == (25 if source.uneven else rate)
        assert source.total == (None if rate == 1000 else announced), 'of frames'


def test_times_of_a_film_of_variable_rate(tmp_path):
    path = str(tmp_path / 'v.gif')
    first, *others = (Image.fromarray(np.full((16, 16, 3), 60 * k, np.uint8)) for k in range(4))
    first.save(path, save_all=True, append_images=others, duration=[100, 1000, 100, 400])
    with FrameSource(Video(path)) as source:
        assert [frame.time for frame in source.frames()] == pytest.approx([0, 0.1, 1.1, 1.2])
