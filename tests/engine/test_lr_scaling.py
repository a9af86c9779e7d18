"""A learning rate for so many images per optimizer step, scaled to those that there are."""
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from ssfer_mm import UserError
from ssfer_mm.apis import load_config, train
from ssfer_mm.engine import Stage
from ssfer_mm.engine.lr_scaling import learning_rate_factor
from support import runs
from support.shrink import REPO, configs
from support.world import stage_one, two_stages


def factor(world=1, labeled=32, unlabeled=0, base=None, accumulate=1, enable=True, **scaling):
    wrapper = dict(accumulative_counts=accumulate)
    stage = Stage('semi' if unlabeled else 'supervised', 1, labeled, unlabeled, 0, 0, 1,
                  base_batch_size=base)
    runner = SimpleNamespace(auto_scale_lr=dict(scaling, enable=enable), world_size=world,
                             cfg=Config(dict(optim_wrapper=wrapper)))
    return learning_rate_factor(runner, stage)


@pytest.mark.parametrize('case, expected', [
    (dict(base_batch_size=32), 1),
    (dict(base_batch_size=32, world=8), 8),
    (dict(base_batch_size=32, labeled=8, accumulate=4), 1),  # a step is still made of 32
    (dict(base_batch_size=32, labeled=64, unlabeled=64, base=128), 1),  # the stage's own base
    (dict(base_batch_size=32, labeled=64, unlabeled=448, base=128), 4),  # unlabeled ones count
    (dict(base_batch_size=32, world=8, enable=False), 1),
])
def test_images_per_step_over_base(case, expected):
    assert factor(**case) == expected


def test_the_stages_own_optimizer_says_what_is_accumulated():
    stage = Stage('semi', 1, 8, 8, 0, 0, 1, dict(accumulative_counts=4), base_batch_size=16)
    runner = SimpleNamespace(auto_scale_lr=dict(enable=True), world_size=1,
                             cfg=Config(dict(optim_wrapper=dict(accumulative_counts=1))))
    assert learning_rate_factor(runner, stage) == 4


@pytest.mark.parametrize('case, key', [
    (dict(), 'auto_scale_lr.base_batch_size'),
    (dict(labeled=64, unlabeled=64, base_batch_size=32), 'train_cfg.semi.base_batch_size'),
])
def test_a_missing_base_is_named(case, key):
    with pytest.raises(UserError, match=key):
        factor(**case)


def test_a_missing_base_of_stage_three_is_noticed_before_stage_two(tmp_path):
    cfg = two_stages(tmp_path, 1, auto_scale_lr=dict(enable=True, base_batch_size=8))
    with pytest.raises(UserError, match='train_cfg.semi.base_batch_size'):
        train(cfg)


def test_stage_one_counts_accumulated_batches(tmp_path):
    """8 images x 4 batches for a base of 16, and the same when it is trained again."""
    cfg = stage_one(tmp_path, 1, epochs=0, auto_scale_lr=dict(enable=True, base_batch_size=16))
    cfg.optim_wrapper.accumulative_counts = 4
    for name in ('first', 'again'):
        cfg.experiment_name = f'{tmp_path.name}{name}'
        assert train(cfg).optim_wrapper.get_lr()['lr'][0] == pytest.approx(2e-3)


def test_each_stage_of_a_run_is_scaled_by_its_own_base(tmp_path):
    """4 images for a base of 16; 2 + 4 for a base of 3."""
    cfg = runs.config(tmp_path, param_scheduler=None,
                      auto_scale_lr=dict(enable=True, base_batch_size=16))
    cfg.train_cfg.semi.update(base_batch_size=3, param_scheduler=[])
    rates = {i['stage']: i['lr'] for i in runs.train(cfg).recorder.iterations}
    assert rates == pytest.approx(dict(supervised=4e-3 / 4, semi=2e-3 * 2))


@pytest.mark.parametrize('name', configs('mae', 'ssfer', 'baselines'))
def test_shipped_configs_scale_by_one_as_they_are(name):
    """On one process, those for ViT-L on as many as their comments say."""
    cfg = load_config(REPO / 'configs' / name)
    processes = 1 if 'fsdp' not in name else 8 if name.startswith('mae') else 4
    assert cfg.auto_scale_lr.base_batch_size == processes * cfg.train_dataloader.batch_size
    semi = cfg.train_cfg.get('semi')
    assert not semi or semi.base_batch_size == processes * (semi.labeled + semi.unlabeled)
