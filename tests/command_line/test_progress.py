"""A bar that goes on from what is done, and does not fill log files."""
import io
import sys

import pytest

from ssfer_mm.command_line.progress import progress_bar


@pytest.mark.parametrize('terminal, pause', [(True, 0.3), (False, 30)])
def test_a_bar_of_images(monkeypatch, terminal, pause):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, 'stderr', shown)
    with progress_bar('detecting', 10, 4) as bar:
        assert bar.mininterval == pause
    line = shown.getvalue()
    assert 'detecting:  40%' in line and '4/10' in line and 'image' in line
