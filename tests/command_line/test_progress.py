"""Bars that go on from what is done and do not fill log files; lines where tqdm is missing."""
import io
import sys
import time

import pytest

from ssfer_mm.command_line.progress import progress, progress_bar


@pytest.mark.parametrize('terminal, pause', [(True, 0.3), (False, 30)])
def test_a_bar_of_images(monkeypatch, terminal, pause):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, 'stderr', shown)
    with progress_bar('detecting', 10, 4) as bar:
        assert bar.mininterval == pause
    line = shown.getvalue()
    assert 'detecting:  40%' in line and '4/10' in line and 'image' in line


@pytest.mark.parametrize('total, told', [(4, '3 of 4 images, 0.1 per second\n'),
                                         (None, '3 images, 0.1 per second\n')])
def test_without_tqdm_a_line_now_and_then(monkeypatch, capsys, total, told):
    monkeypatch.setitem(sys.modules, 'tqdm', None)
    seconds = iter([0, 10, 20, 30, 40])
    monkeypatch.setattr(time, 'monotonic', lambda: next(seconds))
    assert list(progress('abcd', total)) == list('abcd')
    assert capsys.readouterr().err == told


@pytest.mark.parametrize('shown', [True, False])
def test_with_tqdm_a_bar_that_can_be_hidden(capsys, shown):
    assert list(progress('abcd', 4, 'frame', shown)) == list('abcd')
    said = capsys.readouterr().err
    assert ('4/4' in said and 'frame' in said) if shown else said == ''
