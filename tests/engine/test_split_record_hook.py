"""What a run says of the labeled images that it trains on."""
import logging
from types import SimpleNamespace

import pytest

from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.listed_split import listed_split
from ssfer_mm.engine import SplitRecordHook

DATA = 'toy', ('a', 'b'), list('pqrs'), [0, 0, 1, 1]


@pytest.mark.parametrize('split, words', [
    (draw_split(*DATA, fraction=0.5, seed=3), 'seed 3'),
    (listed_split(*DATA, ['p', 's']), 'as listed'),
])
def test_a_list_of_somebody_elses_has_no_seed(split, words, tmp_path, caplog):
    dataset = SimpleNamespace(split=split, source_sizes=(2, 2), record_split=lambda path: None)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), work_dir=str(tmp_path), rank=0,
        _resume=False, logger=logging.getLogger('split'))
    with caplog.at_level(logging.INFO):
        SplitRecordHook().before_train(runner)
    assert f'2 labeled and 2 unlabeled images ({words})' in caplog.text
