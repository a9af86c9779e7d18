"""What a run says of the labeled images that it trains on."""
import logging
from types import SimpleNamespace

import pytest

from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.listed_split import listed_split
from ssfer_mm.engine import SplitRecordHook

DATA = 'toy', ('a', 'b'), list('pqrs'), [0, 0, 1, 1]


def run_on(dataset, work_dir, **state):
    dataset.source_sizes = 2, 2
    return SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), work_dir=str(work_dir), rank=0,
        logger=logging.getLogger('split'), **state)


@pytest.mark.parametrize('split, words', [
    (draw_split(*DATA, fraction=0.5, seed=3), 'seed 3'),
    (listed_split(*DATA, ['p', 's']), 'as listed'),
])
def test_a_list_of_somebody_elses_has_no_seed(split, words, tmp_path, caplog):
    dataset = SimpleNamespace(split=split, record_split=lambda path: None)
    with caplog.at_level(logging.INFO):
        SplitRecordHook().before_train(run_on(dataset, tmp_path, _resume=False))
    assert f'2 labeled and 2 unlabeled images ({words})' in caplog.text


@pytest.mark.parametrize('iteration, expected', [(0, 'recorded'), (4, 'compared')])
def test_a_run_keeps_to_the_split_of_one_that_trained_and_not_of_a_start_that_failed(
        iteration, expected, tmp_path):
    """Both leave a split.json, and `--resume` may find no checkpoint to go on from."""
    done = []
    dataset = SimpleNamespace(
        split=draw_split(*DATA, fraction=0.5, seed=3),
        record_split=lambda path: done.append('recorded'),
        check_recorded_split=lambda path: done.append('compared'))
    (tmp_path / 'split.json').touch()
    SplitRecordHook().before_train(run_on(dataset, tmp_path, _resume=True, iter=iteration))
    assert done == [expected]
