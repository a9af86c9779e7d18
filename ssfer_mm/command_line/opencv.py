"""What to do about an OpenCV that is missing, or there and of no use."""
import re
from traceback import walk_tb
from typing import Optional

from ssfer_mm.errors import one_line

# How Linux says that what OpenCV stands on is missing, as in slim images of Docker.
SYSTEM_LIBRARY = re.compile(r'\blib\S+\.so\S*: cannot open shared object file')


def opencv_repair(problem: str) -> str:
    """The command that repairs OpenCV.

    Args:
        problem: What Python says when OpenCV is imported.

    Example:
        >>> opencv_repair("No module named 'cv2'")
        'pip install --force-reinstall opencv-python'
    """
    if SYSTEM_LIBRARY.search(problem) is None:
        return 'pip install --force-reinstall opencv-python'
    return ('apt-get update && apt-get install -y libgl1 libglib2.0-0 (or, for an OpenCV without '
            'windows: pip uninstall -y opencv-python && pip install --force-reinstall '
            'opencv-python-headless)')


def opencv_problem(error: BaseException) -> Optional[str]:
    """The line for the user where ``import cv2`` failed; None of any other error."""
    if not isinstance(error, ImportError):
        return None
    if isinstance(error, ModuleNotFoundError):  # also of what OpenCV itself imports
        return 'cv2 is not installed; run: pip install opencv-python' if (
            error.name == 'cv2') else None
    modules = {frame.f_globals.get('__name__') for frame, _ in walk_tb(error.__traceback__)}
    if error.name != 'cv2' and 'cv2' not in modules:
        return None
    text = one_line(error, 200)
    return f'OpenCV cannot be loaded ({text}); run: {opencv_repair(text)}'
