"""A permutation that is computed, not stored."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssfer_mm.datasets.permutation import permute, place_seeds


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**32), st.integers(0, 10**9))
def test_it_is_a_permutation_and_any_part_can_be_had_alone(size, seed, epoch):
    whole = permute(np.arange(size), size, seed, epoch)
    assert sorted(whole.tolist()) == list(range(size))
    some = np.arange(0, size, 7)
    assert permute(some, size, seed, epoch).tolist() == whole[some].tolist()


@pytest.mark.parametrize('size', [10, 70, 1000, 65530])
def test_every_item_is_everywhere_equally_often(size):
    # Chi-squared over 10 x 10 cells of (place, item), over many keys.
    keys = 20000 // size + 20
    cells = np.zeros((10, 10))
    for key in range(keys):
        found = permute(np.arange(size), size, key)
        np.add.at(cells, (np.arange(size) * 10 // size, found * 10 // size), 1)
    expected = cells.sum() / 100
    # 81 degrees of freedom: mean 81, standard deviation 12.7.
    assert ((cells - expected)**2 / expected).sum() < 81 + 6 * 12.7


def test_neighbors_do_not_stay_together_nor_do_keys():
    size = 100_000
    one, other = (permute(np.arange(size), size, 0, epoch) for epoch in (0, 1))
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert (np.abs(np.diff(one)) == 1).mean() < 1e-3


def test_seeds_belong_to_places():
    whole = place_seeds(np.arange(100_000), 1, 2)
    assert place_seeds(np.array([77, 5]), 1, 2).tolist() == whole[[77, 5]].tolist()
    assert whole.dtype == np.uint32 and len(set(whole.tolist())) > 99_990
    assert (whole == place_seeds(np.arange(100_000), 1, 3)).sum() < 5
