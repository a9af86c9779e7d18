"""Frames of a video file or a camera, one after the other."""
import contextlib
import math
import os
import os.path as osp
import threading
from time import monotonic
from typing import Iterator, Optional, Tuple, Union

import cv2

from ssfer_mm.errors import UserError

from .loading import Loaded
from .sources import Video, Webcam, printable

DEFAULT_RATE = 25.
# OpenCV takes the ticks of the file's clock for frames where these come at times of their own, as
# of a screen or a browser; in WebM they are milliseconds, and it multiplies the length by them.
CLOCK_RATE = 1000
# Containers announce rounded or estimated lengths; what lacks more was cut off or is damaged.
MISSING_SHARE, MISSING_FRAMES = 0.05, 3
CONVERT = 'Copy it again, or convert it: ffmpeg -i VIDEO -c:v libx264 -pix_fmt yuv420p NEW.mp4'


class FrameSource:
    """An opened video; a context manager.

    Args:
        source: A file or a camera.

    Attributes:
        name: What to call it.
        size: (width, height) in pixels.
        rate: Frames per second; of a camera what it promises.
        total: How many frames the file announces, None if it does not say.
        live: Whether it is a camera.
        uneven: Whether frames come at times of their own, and `rate` says nothing of them.
        problem: After the last frame: why there should have been more, or ``''``.

    Raises:
        UserError: No such file or camera, or no frames in it.
    """

    def __init__(self, source: Union[Video, Webcam]) -> None:
        # Decoders complain on stderr about what is reported here.
        os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
        self.live = isinstance(source, Webcam)
        self.name = f'webcam:{source.number}' if self.live else source.path
        self.problem = ''
        self._capture = _open_camera(source.number) if self.live else _open_file(source.path)
        # Frames may be read in another thread; to release meanwhile would crash the interpreter.
        self._lock = threading.Lock()
        found, self._first = self._capture.read()
        self._told = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not found or self._first is None:
            self._capture.release()
            raise UserError(_no_frames(self.name, self.live))
        height, width = self._first.shape[:2]
        self.size: Tuple[int, int] = (width, height)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.uneven = self.live or CLOCK_RATE <= rate < math.inf
        self.rate: float = rate if 0.1 <= rate < CLOCK_RATE else DEFAULT_RATE
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        count = None if self.live or count < 1 else count
        self.total: Optional[int] = None if rate == CLOCK_RATE else count
        self._length = count / CLOCK_RATE if count and rate == CLOCK_RATE else 0.  # in seconds

    def __enter__(self) -> 'FrameSource':
        return self

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._capture.release()

    def frames(self) -> Iterator[Loaded]:
        """All frames in order, once.

        Their times are those that the file tells; of a camera, when they came after the first.
        """
        frame, index, time = self._first, 0, 0.
        self._first = None
        # Not when the camera was opened: the model has been loaded since.
        began = monotonic()
        while True:
            if not self.live:
                time = self._time(index, time)
            elif index:  # it is read only as fast as it is answered, whatever rate it promises
                time = monotonic() - began
            yield Loaded(self.name, frame, self.size, frame=index, time=time)
            with self._lock:  # released ones find nothing
                found, frame = self._capture.read()
                self._told = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not found or frame is None:
                break
            index += 1
        self.problem = ('the camera stopped sending pictures' if self.live else
                        self._broken_off(index + 1, time))

    def _broken_off(self, read: int, time: float) -> str:
        """Why there should have been more than so many frames, the last at ``time``, or ``''``."""
        if self._length:
            announced, unit, some = self._length, 'seconds', MISSING_FRAMES / self.rate
            seen, said = time, f'{time:.1f} of {announced:.1f}'
        else:
            announced, unit, some = self.total or 0, 'frames', MISSING_FRAMES
            seen, said = read, f'{read} of {announced}'
        most = max(some, MISSING_SHARE * announced)
        # Many containers know only their length, from which OpenCV makes a number of frames: where
        # some were left out, as of a screen that stood still, time tells whether the end was read.
        # A time far beyond the end is no such thing: they are counted, and slower than announced.
        by_time = round(time * self.rate) + 1
        if announced - seen <= most or (not self._length and abs(announced - by_time) <= most):
            return ''
        return f'only {said} announced {unit} can be decoded: the file is damaged or was cut off'

    def _time(self, index: int, before: float) -> float:
        """Seconds at the frame that was read last, after that of the frame before."""
        if self._told > 0 and self._told >= before:
            return self._told
        # Not every decoder tells, and in damaged files time begins anew.
        return max(before, index / self.rate)


def _open_file(path: str) -> cv2.VideoCapture:
    if not osp.isfile(path):
        raise UserError(f'the video {path} does not exist (looked from {os.getcwd()}): check the '
                        'path')
    if osp.getsize(path) == 0:
        raise UserError(f'the video {path} is an empty file: copy or record it again')
    if printable(path) != path:  # which crashes OpenCV
        raise UserError(f'OpenCV cannot open {printable(path)}, whose path is not UTF-8: rename '
                        'the video, or its folder')
    with _silent():
        capture = cv2.VideoCapture(path)
    if not capture.isOpened():
        raise UserError(f'{path} ({osp.getsize(path)} bytes) cannot be opened as a video: it is '
                        f'damaged, of length zero, or of an unknown kind. {CONVERT}')
    return capture


def _open_camera(number: int) -> cv2.VideoCapture:
    with _silent():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise UserError(f'no camera {number} can be opened: plug one in, end the program that uses '
                        'it, or name another one with webcam:1')
    return capture


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Within, OpenCV says nothing of the drivers that it tries and the decoders that it lacks."""
    if not hasattr(_log(), 'getLogLevel'):
        yield
        return
    level = _log().getLogLevel()
    _log().setLogLevel(0)
    try:
        yield
    finally:
        _log().setLogLevel(level)


def _log():
    """Where OpenCV 4, or 5, has its ``setLogLevel``."""
    return cv2 if hasattr(cv2, 'setLogLevel') else getattr(cv2.utils, 'logging', None)


def _no_frames(name: str, live: bool) -> str:
    if live:
        return f'{name} sends no pictures: end the program that uses it, or try another one'
    return (f'no frame of the video {name} can be decoded: it is of length zero, damaged, or of a '
            f'kind that this OpenCV lacks, such as AV1. {CONVERT}')
