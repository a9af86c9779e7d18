"""Where the time goes, by a clock that can be set."""
import time

import pytest

from ssfer_mm.inference.clock import Clock


@pytest.fixture
def now(monkeypatch):
    """A list whose only number is the time in seconds."""
    seconds = [100.]
    monkeypatch.setattr(time, 'perf_counter', lambda: seconds[0])
    return seconds


def test_times_of_a_stage_add_up_until_all_begins_anew(now):
    clock = Clock()
    for length in (1, 2):
        with pytest.raises(KeyError), clock.measure('cropping'), clock.inside_network():
            now[0] += length
            raise KeyError
    now[0] += 9
    assert (clock.stages['cropping'], clock.networks, clock.total) == (3, 3, 12)
    assert clock.breakdown(6, 'frame') == (
        '6 frames in 12.0 s (0.5 per second): reading 0 %, detection 0 %, cropping 25 %, '
        'classification 0 %, drawing and writing 0 %; inside the two networks 25 %')
    clock.reset()
    assert (dict(clock.stages), clock.networks, clock.total) == ({}, 0, 0)
    assert clock.breakdown(0, 'image').startswith('0 images in 0.0 s (0.0 per second): reading 0')
