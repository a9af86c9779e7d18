"""Running statistics in whole runs: told the labels, resumed, begun after another's stage II."""
from pathlib import Path

import pytest
import torch

from ssfer_mm import UserError
from support.runs import PER_CLASS, config, train

RULE = dict(type='DistributionAlignment', momentum=0.9,
            rule=dict(type='FreeMatchThreshold', momentum=0.9))
PURITY = dict(type='ClusterPurity', clusters=4, bank=20, refit_every=7, threshold=0.35,
              purity=0.35)
EVERY_ITERATION = dict(type='CheckpointHook', by_epoch=False, interval=1)


def with_rule(work_dir, **options):
    cfg = config(work_dir, hooks=[EVERY_ITERATION], **options)
    cfg.model.pseudo_label = RULE
    return cfg


def with_purity(work_dir, **options):
    cfg = with_rule(work_dir, **options)
    cfg.model.pseudo_label = PURITY
    cfg.model.fairness = dict(type='SelfAdaptiveFairness', weight=1.)
    return cfg


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return train(with_rule(tmp_path_factory.mktemp('whole')))


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    return train(config(tmp_path_factory.mktemp('plain'), hooks=[EVERY_ITERATION]))


def assert_same_end(run, whole):
    for name, value in whole.model.state_dict().items():
        assert torch.equal(run.model.state_dict()[name], value), name


def test_the_rule_judged_every_batch_of_stage_iii_and_knows_the_labels(whole):
    rule = whole.model.pseudo_label
    assert int(rule.mean.steps) == int(rule.rule.average.steps) == 12
    assert torch.equal(rule.prior(), torch.full((3, ), PER_CLASS / (3 * PER_CLASS)))


@pytest.mark.parametrize('checkpoint', ['iter_7', 'epoch_3', 'iter_15'])
def test_a_resumed_run_goes_on_with_its_statistics(tmp_path, whole, checkpoint):
    path = Path(whole.work_dir, f'{checkpoint}.pth')
    assert_same_end(train(with_rule(tmp_path, resume=True, load_from=str(path))), whole)


def test_stage_two_may_be_that_of_a_run_with_another_rule(tmp_path, whole, plain):
    path = Path(plain.work_dir, 'epoch_2.pth')
    run = train(with_rule(tmp_path / 'run', resume=True, load_from=str(path)))
    assert_same_end(run, whole)
    inside = str(Path(plain.work_dir, 'iter_7.pth'))
    with pytest.raises(UserError, match='pseudo_label.mean'):
        train(with_rule(tmp_path / 'late', resume=True, load_from=inside))


def test_a_bank_and_fairness_begin_after_the_stage_two_of_a_run_without_and_are_resumed(
        tmp_path, plain):
    path = str(Path(plain.work_dir, 'epoch_2.pth'))
    run = train(with_purity(tmp_path / 'run', resume=True, load_from=path))
    assert run.model.pseudo_label.shares.any() and int(run.model.fairness.average.steps) == 12
    path = str(Path(run.work_dir, 'iter_15.pth'))
    assert_same_end(train(with_purity(tmp_path / 'again', resume=True, load_from=path)), run)
