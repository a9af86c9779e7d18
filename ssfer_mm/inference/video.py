"""Predicting a video frame by frame in bounded memory, and writing the annotated one."""
import contextlib
import os
import os.path as osp
import sys
import tempfile
from typing import Callable, Iterator, Optional, Tuple

import cv2
import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import share

from .background import WriteBehind
from .inferencer import FERInferencer
from .loading import Loaded
from .results import ImageResult
from .sources import printable
from .tracking import SmoothingTracker
from .video_source import FrameSource

WINDOW = 'ssfer (q to quit)'
NO_WINDOWS = 'this OpenCV cannot open windows (opencv-python-headless?): leave --show out'
LARGEST_TIMEBASE = 65535  # of MPEG-4: a rate is a fraction of such whole numbers at most
# Pixels of a recording per second: half of what a slow core encodes. If writing were slower than
# the camera, it would hold up the pictures, which would have to be repeated the more.
RECORDED_PIXELS = 40e6
LONGEST_STILL = 600  # seconds between two pictures; damaged files tell of years
Drawing = Tuple[np.ndarray, ImageResult]


def predict_video(inferencer: FERInferencer, source: FrameSource,
                  smooth: Optional[float] = None) -> Iterator[Tuple[Loaded, ImageResult]]:
    """Frames and what was found in them, as they come.

    Args:
        inferencer: Model and detector.
        source: An opened video, e.g. ``FrameSource(Video('film.mp4'))``.
        smooth: Follow people, and average their probabilities over about so many seconds.

    Raises:
        UserError: ``smooth`` is out of range.
    """
    tracker = SmoothingTracker(smooth) if smooth is not None else None
    # A camera is answered at once; of a file, faces of several frames are classified together.
    batch_size = 1 if source.live else None
    stream = inferencer.stream(source.frames(), batch_size, ahead=not source.live)
    with contextlib.closing(stream):  # ends the threads that read, even if not all is taken
        for loaded, result in stream:
            if tracker is not None:
                faces = tracker(result.faces, result.time)
                result = ImageResult(result.source, result.status, faces, result.size,
                                     result.frame, result.time)
            yield loaded, result


@contextlib.contextmanager
def video_sink(path: str, rate: float, size: Tuple[int, int],
               draw: Callable[[np.ndarray, ImageResult], np.ndarray],
               uneven: bool = False, live: bool = False) -> Iterator[WriteBehind[Drawing]]:
    """Write annotated frames to an ``.mp4`` file, which appears at the end of the block.

    Args:
        path: The file.
        rate: Frames per second.
        size: (width, height) of the frames.
        draw: Draws a result into a frame; called in a thread of its own.
        uneven: Whether the frames come at times of their own: each is repeated until the next one
            came, so that the film plays as fast as it was taken.
        live: Whether they are those of a camera, which are uneven, too. Of large ones there are
            fewer per second, see `RECORDED_PIXELS`.

    Raises:
        UserError: The file cannot be written, or not to its end; one from before stays.
    """
    part = _temporary(path)
    # The codec wants even edges; one row or column less is not missed.
    width, height = size[0] // 2 * 2, size[1] // 2 * 2
    rate = _possible_rate(min(rate, RECORDED_PIXELS / (size[0] * size[1])) if live else rate)
    writer = cv2.VideoWriter(part, cv2.VideoWriter_fourcc(*'mp4v'), rate, (width, height))
    try:
        if width < 2 or height < 2 or not writer.isOpened():
            raise UserError(f'cannot write a video of {width} x {height} pixels to {path}: this '
                            'OpenCV lacks the codec mp4v, or the disk is full. Use --csv or --json')

        pace = _Pace(writer.write, rate)

        def write(item: Drawing) -> None:
            frame, result = item
            picture = np.ascontiguousarray(draw(frame, result)[:height, :width])
            if uneven or live:
                pace.put(picture, result.time)
            else:
                pace.write(picture)

        with WriteBehind(write) as behind:
            yield behind
        pace.close()
        writer.release()
        _check_whole(part, pace.written, path)
        os.replace(part, path)
    finally:
        writer.release()
        with contextlib.suppress(OSError):
            os.unlink(part)


class _Pace:
    """Makes pictures that came at times of their own a film of a steady rate.

    Args:
        write: Takes each frame of the film.
        rate: Frames per second.

    Attributes:
        written: How many frames the film has.
    """

    def __init__(self, write: Callable[[np.ndarray], object], rate: float) -> None:
        self._write, self._rate = write, rate
        self._picture: Optional[np.ndarray] = None
        self._began = self._before = 0.
        self.written = 0

    def write(self, picture: np.ndarray) -> None:
        """The next frame, whenever it came."""
        self._write(picture)
        self.written += 1

    def put(self, picture: np.ndarray, time: float) -> None:
        """The next picture, and when it came, in seconds.

        Of several within a frame's time the last is kept.
        """
        if self._picture is None:
            self._began = self._before = time
        self._began += max(0., time - self._before - LONGEST_STILL)
        while self.written < round((time - self._began) * self._rate):
            self.write(self._picture)
        self._picture, self._before = picture, time

    def close(self) -> None:
        """Write the last picture, whose time nothing ends."""
        if self._picture is not None:
            self.write(self._picture)


def _check_whole(part: str, written: int, path: str) -> None:
    """Raise a UserError unless a film has the frames that OpenCV, which never tells, was given."""
    capture = cv2.VideoCapture(part)
    found = round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    if found < written:
        raise UserError(f'cannot write {path}: the video broke off, probably because the disk is '
                        'full. Free some room, or choose another --out')


def _possible_rate(rate: float) -> float:
    """Frames per second to as many decimals as the codec can express, such as 23.976, 239.87."""
    decimals = next((n for n in (3, 2, 1) if rate * 10 ** n <= LARGEST_TIMEBASE), 0)
    return round(rate, decimals)


def _temporary(path: str) -> str:
    folder = osp.dirname(osp.abspath(path))
    if printable(folder) != folder:  # which crashes OpenCV
        raise UserError(f'OpenCV cannot write a video into {printable(folder)}, whose name is not '
                        'UTF-8: choose another --out')
    try:
        os.makedirs(folder, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=folder, prefix='.', suffix='.mp4')
        os.close(handle)
        share(part)
    except OSError as error:
        raise UserError(f'cannot write {path} ({error.strerror}): choose another --out') from error
    return part


def check_window() -> None:
    """Find out early whether a window can be opened.

    Raises:
        UserError: There is no screen, or this OpenCV has no windows.
    """
    if hasattr(cv2, 'currentUIFramework') and not cv2.currentUIFramework():
        raise UserError(NO_WINDOWS)
    if sys.platform.startswith('linux') and not (
            os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
        raise UserError('no window can be opened here (no display): leave --show out')


def show(frame: np.ndarray) -> bool:
    """Show a frame in a window; False once the user wants to end.

    Raises:
        UserError: This OpenCV has no windows.
    """
    try:
        cv2.imshow(WINDOW, frame)
        return cv2.waitKey(1) & 0xFF not in (ord('q'), 27)
    except cv2.error as error:
        raise UserError(NO_WINDOWS) from error
