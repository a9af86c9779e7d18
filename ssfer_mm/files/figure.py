"""Figures of matplotlib as files.

Without pyplot, which would keep every figure and change the backend of a caller's notebook.
matplotlib takes a while to import, so that only who draws does.
"""
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> 'Figure':
    """A figure of so many inches, without panels yet."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout='constrained')


def save_figure(figure: 'Figure', path: Path, dpi: int = 110) -> None:
    """Write a PNG; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the version of matplotlib, which would change the file for no reason.
    figure.savefig(path, dpi=dpi, metadata={'Software': None})
