"""Sharing a batch out over processes, and putting it together again."""
import pytest

from ssfer_mm.joint_batch import gathered_places, share_of_rank


@pytest.mark.parametrize('count', [1, 2, 3, 8])
@pytest.mark.parametrize('world', [1, 2, 4])
def test_what_was_shared_out_comes_back_in_order(count, world):
    shares = [share_of_rank(count, rank, world) for rank in range(world)]
    places = gathered_places(count, world)
    assert places == sum(shares, [])
    assert sorted(places) == list(range(count * world)), 'each image once'
