import os
import platform
from pathlib import Path

import pytest

from ssfer_mm.runtime import processor

TOLD = 'processor\t: 0\nmodel name\t: Maker X1 \nflags\t\t: avx2 {}\n\nmodel name\t: another\n'


@pytest.mark.parametrize('flag, has', [('avx512_bf16', True), ('amx_bf16 sse', True),
                                       ('avx512', False), ('xbf16', False)])
def test_what_linux_tells(monkeypatch, flag, has):
    monkeypatch.setattr(Path, 'read_text', lambda path: TOLD.format(flag))
    assert processor.processor_name() == 'Maker X1' and processor.has_bfloat16() is has


def test_where_nothing_is_told(monkeypatch):
    def missing(path):
        raise FileNotFoundError

    monkeypatch.setattr(Path, 'read_text', missing)
    monkeypatch.setattr(platform, 'processor', lambda: '')
    assert processor.processor_name() == platform.machine() and not processor.has_bfloat16()


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(processor, 'cpu_quota', lambda: None)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {0, 5, 7}, raising=False)
    assert processor.cores() == 3
    monkeypatch.delattr(os, 'sched_getaffinity')
    monkeypatch.setattr(os, 'cpu_count', lambda: None)
    assert processor.cores() == 1


@pytest.mark.parametrize('quota, count', [(.5, 1), (1.9, 1), (2., 2), (2.5, 2), (9., 3)])
def test_a_container_has_as_many_as_its_quota_keeps_busy(monkeypatch, quota, count):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {0, 5, 7}, raising=False)
    monkeypatch.setattr(processor, 'cpu_quota', lambda: quota)
    assert processor.cores() == count
