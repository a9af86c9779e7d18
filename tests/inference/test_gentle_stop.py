"""Ctrl-C and polite kills: what is whole is kept, and nothing else is left."""
import json
import os
import signal
from pathlib import Path

import cv2
import pytest

import ssfer_cli
from ssfer_mm.inference import predict as predict_module

pytestmark = pytest.mark.usefixtures('hang_ups_arrive')
# Of Ctrl-C; of timeout, docker stop and service managers; of a lost connection.
ANY_SIGNAL = pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


def predict(*arguments):
    return ssfer_cli.main(['predict', *arguments, '--model', 'm.onnx'])


@ANY_SIGNAL
def test_interrupted_tables_are_not_written(place, monkeypatch, capsys, number):
    def interrupt(*arguments):
        signal.raise_signal(number)

    monkeypatch.setattr(predict_module.Tally, 'add', interrupt)
    assert predict('photos', '--csv', 'r.csv') == 130
    assert 'r.csv' not in ''.join(os.listdir()) and 'Interrupted' in capsys.readouterr().err


@ANY_SIGNAL
def test_an_interrupted_video_keeps_the_frames_that_are_done(place, monkeypatch, capsys, number):
    before, add = signal.getsignal(number), predict_module.Tally.add

    def add_then_interrupt(tally, result):
        add(tally, result)
        if tally.images == 3:
            signal.raise_signal(number)

    monkeypatch.setattr(predict_module.Tally, 'add', add_then_interrupt)
    assert predict('film.mp4', '--csv', 'r.csv', '--json', 'r.json', '--out', 'out') == 130
    assert 'after 3 of 7 frames; these are written' in capsys.readouterr().err
    assert len(Path('r.csv').read_text().splitlines()) == 1 + 3
    assert len(json.loads(Path('r.json').read_text())['results']) == 3
    assert cv2.VideoCapture('out/film.mp4').get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert signal.getsignal(number) is before


def test_a_second_interrupt_ends_at_once(place, monkeypatch):
    def interrupt_twice(tally, result):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(predict_module.Tally, 'add', interrupt_twice)
    assert predict('film.mp4', '--csv', 'r.csv', '--out', 'out') == 130
    assert not Path('r.csv').exists() and not list(Path('out').iterdir())
