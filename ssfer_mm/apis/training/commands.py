"""``tools/train.py`` and ``tools/test.py``: what a user can put right is a sentence."""
from typing import Optional, Sequence

from ssfer_mm.command_line.run import run_cli

from .launch import test_main, train_main


def train_command(argv: Optional[Sequence[str]] = None) -> int:
    """Train; returns the exit status."""
    return run_cli(lambda: train_main(argv), resumable=True)


def test_command(argv: Optional[Sequence[str]] = None) -> int:
    """Evaluate; returns the exit status."""
    return run_cli(lambda: test_main(argv))
