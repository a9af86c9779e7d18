"""What is read when: complete passes, exact shares, and neighbors together where asked for."""
from collections import Counter

import numpy as np
import pytest

from ssfer_mm.datasets.reading_order import ReadingOrder, apportion


def epoch(order, number):
    return order.indices(number, np.arange(order.length)).tolist()


def edges(size, block):
    return np.array([*range(0, size, block), size])


@pytest.mark.parametrize('window', [None, 1, 7, 1000])
def test_without_weights_every_epoch_is_a_pass(window):
    sizes = [30, 5, 18]
    blocks = None if window is None else [edges(size, 4) for size in sizes]
    order = ReadingOrder(sizes, seed=3, edges=blocks, window=window)
    first, second = epoch(order, 0), epoch(order, 1)
    assert sorted(first) == sorted(second) == list(range(53))
    assert first != second and first != list(range(53))


@pytest.mark.parametrize('window', [None, 8])
def test_weights_share_out_the_epoch_and_every_image_its_source(window):
    sizes, weights = [40, 6], [1, 1]
    order = ReadingOrder(sizes, weights, length=20, seed=1, window=window,
                         edges=window and [edges(size, 3) for size in sizes])
    uses = Counter()
    for number in range(12):
        found = epoch(order, number)
        assert sum(index >= 40 for index in found) == 10
        uses.update(found)
    # 120 of each source: the 40 three times, the 6 twenty times.
    assert {uses[index] for index in range(40)} == {3}
    assert {uses[index] for index in range(40, 46)} == {20}


def test_any_position_can_be_computed_alone():
    order = ReadingOrder([50, 20], [1, 2], seed=9, window=16,
                         edges=[edges(50, 4), edges(20, 4)])
    whole = epoch(order, 5)
    for position in (0, 15, 16, 40, 69):
        assert order.indices(5, np.array([position])).tolist() == [whole[position]]


def test_in_blocks_a_window_holds_whole_blocks_in_mixed_order():
    order = ReadingOrder([4096], seed=0, edges=[edges(4096, 32)], window=256)
    found = np.array(epoch(order, 0)).reshape(-1, 256)
    assert all(len(np.unique(window // 32)) == 8 for window in found), '8 blocks of 32, complete'
    starts = found[:, 0] // 32
    assert abs(np.corrcoef(starts[:-1], starts[1:])[0, 1]) < 0.6 and len(set(starts)) == 16
    assert (np.diff(found[0]) == 1).mean() < 0.1, 'shuffled inside'


def test_windows_mix_the_sources():
    order = ReadingOrder([300, 100], seed=0, edges=[edges(300, 10), edges(100, 10)], window=40)
    shares = (np.array(epoch(order, 0)).reshape(-1, 40) >= 300).sum(1)
    assert set(shares.tolist()) == {10}


def test_sources_of_one_size_have_orders_of_their_own():
    """A window of one leaves the order to the passes: the sources take turns."""
    found = epoch(ReadingOrder([40, 40], seed=0, window=1), 0)
    first, second = ([i % 40 for i in found if i // 40 == number] for number in (0, 1))
    assert sorted(first) == sorted(second) == list(range(40)) and first != second


def test_each_epoch_shuffles_its_windows_anew():
    """One block leaves the order to the windows alone."""
    order = ReadingOrder([30], seed=0, edges=[edges(30, 30)], window=30)
    assert epoch(order, 0) != epoch(order, 1)


@pytest.mark.parametrize('length, weights, expected', [
    (10, [1, 2], [3, 7]), (10, [2, 1], [7, 3]), (3, [0.35, 0.45, 0.2], [1, 1, 1])])
def test_apportion_gives_what_is_left_to_the_largest_remainders(length, weights, expected):
    assert apportion(length, weights) == expected


@pytest.mark.parametrize('length, weights', [(10, [1, 1, 1]), (7, [0.5, 0.5]), (1, [3, 1]),
                                             (100, [0.7, 0.2, 0.1]), (0, [1.])])
def test_apportion_is_exact_and_fair(length, weights):
    counts = apportion(length, weights)
    assert sum(counts) == length
    assert all(abs(count - length * weight / sum(weights)) < 1
               for count, weight in zip(counts, weights))
