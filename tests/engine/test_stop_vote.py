"""Processes vote on stopping, and all of them hear the same."""
from types import SimpleNamespace

from torch import distributed as dist

from ssfer_mm.engine import GracefulStopHook
from ssfer_mm.engine.stop_vote import StopVote
from support.processes import together


def heard(asked):
    vote = StopVote()
    return [vote.earlier(mine) for mine in asked[dist.get_rank()]]


def heard_now(asked):
    vote = StopVote()
    vote.earlier(False)
    return vote.now(asked[dist.get_rank()])


def test_each_vote_is_heard_at_the_next_one(tmp_path):
    asked = [[False, True, True, True, True], [False, False, False, False, True]]
    for answers in together(2, heard, tmp_path, asked):
        assert answers == [False, False, True, True, True]


def left_under_way(asked):
    """Whether a vote is, after a yes, after one heard at once, and after the last."""
    votes = [StopVote() for _ in range(3)]
    for vote in votes[0], votes[0]:
        vote.earlier(asked[dist.get_rank()])
    votes[1].now(False)
    votes[2].earlier(False)
    votes[2].finish()
    return [vote._under_way is not None for vote in votes]


def test_no_vote_is_under_way_where_a_run_may_end(tmp_path):
    """A process that ended while one was waited for the other with PyTorch 2.6."""
    for left in together(2, left_under_way, tmp_path, [True, False]):
        assert left == [False] * 3


def left_by_a_run():
    hook = GracefulStopHook()
    hook.before_train(SimpleNamespace(train_loop=None, val_loop=None))
    hook._agreed()
    begun = hook._vote._under_way is not None
    hook.after_train(None)
    return begun, hook._vote._under_way


def test_nor_where_it_ends(tmp_path):
    assert together(2, left_by_a_run, tmp_path) == [(True, None)] * 2


def test_or_at_once_where_there_is_time_to_wait(tmp_path):
    for one, other in ((False, False), (True, False), (False, True)):
        answers = together(2, heard_now, tmp_path, [one, other])
        assert answers == [one or other] * 2
