"""At what time a frame was taken."""
import cv2
import numpy as np
import pytest
from PIL import Image

from ssfer_mm.inference import FrameSource, Video, Webcam, video_source
from support.faces import scene


class Capture:
    """A camera or film of 10 frames per second, which tells their times in ms."""

    def __init__(self, times):
        self.times, self.now = list(times), 0

    def isOpened(self):
        return True

    def read(self):
        if not self.times:
            return False, None
        self.now = self.times.pop(0)
        return True, scene()

    def get(self, key):
        return {cv2.CAP_PROP_POS_MSEC: self.now, cv2.CAP_PROP_FPS: 10}.get(key, 0)

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


def test_times_of_a_film_of_variable_rate(tmp_path):
    path = str(tmp_path / 'v.gif')
    first, *others = (Image.fromarray(np.full((16, 16, 3), 60 * k, np.uint8)) for k in range(4))
    first.save(path, save_all=True, append_images=others, duration=[100, 1000, 100, 400])
    with FrameSource(Video(path)) as source:
        assert [frame.time for frame in source.frames()] == pytest.approx([0, 0.1, 1.1, 1.2])
