"""Reading ahead and writing behind: order, bounds, errors, and no thread left behind."""
import threading
import time

import pytest

from ssfer_mm.inference.background import WriteBehind, map_ahead, read_ahead


def threads():
    return threading.active_count()


def test_same_items_in_order_and_not_far_ahead():
    made = []

    def items():
        for k in range(20):
            made.append(k)
            yield k

    before, farthest, got = threads(), 0, []
    for k in read_ahead(items(), depth=2):
        time.sleep(0.002)
        farthest = max(farthest, len(made) - len(got))
        got.append(k)
    assert got == list(range(20)) and threads() == before
    assert farthest <= 1 + 2 + 1, 'one in use, two waiting, one being handed over'


def test_errors_of_the_reader_come_after_what_was_read():
    def items():
        yield 1
        raise OSError('gone')

    got = []
    with pytest.raises(OSError, match='gone'):
        got.extend(read_ahead(items()))
    ahead = read_ahead(items())
    assert next(ahead) == 1


def test_a_consumer_may_stop_early():
    before, made = threads(), []
    ahead = read_ahead(made.append(k) or k for k in range(1000))
    assert next(ahead) == 0
    ahead.close()
    assert threads() == before and len(made) <= 4, 'of a camera there is no end'


def test_written_in_order_before_the_block_ends():
    written = []
    with WriteBehind(lambda k: (time.sleep(0.001), written.append(k)), depth=2) as behind:
        for k in range(20):
            behind.put(k)
    assert written == list(range(20))


def test_errors_of_the_writer_reach_the_main_thread():
    def write(item):
        tried.append(item)
        go_on.wait(60)
        raise OSError('disk full')

    tried, put, go_on = [], [], threading.Event()
    with pytest.raises(OSError, match='disk full'):
        with WriteBehind(write) as behind:
            behind.put(0)
            behind.put(1)
            go_on.set()
    assert tried == [0], 'nothing after it'
    with pytest.raises(OSError, match='disk full'):
        with WriteBehind(write, depth=1) as behind:
            for k in range(100):
                behind.put(k)
                put.append(k)
    assert len(put) <= 4, 'and soon'


def test_an_error_in_the_block_was_there_before_one_of_the_writer():
    def write(item):
        begun.set()
        raise OSError('disk full')

    begun = threading.Event()
    with pytest.raises(KeyError), WriteBehind(write) as behind:
        behind.put(1)
        begun.wait(60)
        raise KeyError


def test_after_an_error_in_the_block_nothing_more_is_written():
    before, written = threads(), []
    with pytest.raises(KeyError):
        with WriteBehind(lambda k: (time.sleep(0.05), written.append(k))) as behind:
            behind.put(1)
            behind.put(2)
            raise KeyError
    assert 2 not in written and threads() == before


def test_mapped_in_order_by_several_threads_and_not_far_ahead():
    taken, working, most, got = [], [], [], []
    lock = threading.Lock()

    def items():
        for k in range(24):
            taken.append(k)
            yield k

    def work(k):
        with lock:
            working.append(k)
            most.append(len(working))
        time.sleep(0.004 if k % 2 else 0.001)
        with lock:
            working.remove(k)
        return k * k

    before = threads()
    for square in map_ahead(work, items(), 3):
        got.append(square)
        assert len(taken) - len(got) <= 3
    assert got == [k * k for k in range(24)] and threads() == before
    assert 2 <= max(most) <= 3


@pytest.mark.parametrize('where', ['items', 'function'])
def test_mapping_hands_on_what_came_before_an_error(where):
    def items():
        yield from range(4)
        if where == 'items':
            raise OSError('gone')
        yield 4

    def work(k):
        if k == 4:
            raise OSError('gone')
        return k

    before, got = threads(), []
    with pytest.raises(OSError, match='gone'):
        for k in read_ahead(map_ahead(work, items(), 2)):
            got.append(k)
    assert got == [0, 1, 2, 3] and threads() == before


def test_threads_end_where_nobody_wants_more():
    before = threads()
    ahead = read_ahead(map_ahead(abs, iter(range(10_000)), 2))
    assert next(ahead) == 0
    ahead.close()
    assert threads() == before
