"""Processes vote on stopping, and all of them hear the same."""
from torch import distributed as dist

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


def test_or_at_once_where_there_is_time_to_wait(tmp_path):
    for one, other in ((False, False), (True, False), (False, True)):
        answers = together(2, heard_now, tmp_path, [one, other])
        assert answers == [one or other] * 2
