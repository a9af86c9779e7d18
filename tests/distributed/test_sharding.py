"""FSDP: the same numbers as one process, and the same checkpoints."""
from pathlib import Path

import pytest
import torch
from torch.distributed.tensor import DTensor

from ssfer_mm import UserError
from ssfer_mm.apis import train
from ssfer_mm.engine import sharded_runner
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.processes import together
from support.world import LogRecorder, calm, largest_difference, stage_one, two_stages

EPOCHS = (2, 2)  # 3 iterations each
pytestmark = pytest.mark.skipif(not sharded_runner.shards_on_cpus(),
                                reason='this PyTorch shards on GPUs only')


def outcome(cfg):
    """Train -> figures, whole weights, and which of the parameters are sharded."""
    runner = train(cfg)
    recorder = next(hook for hook in runner.hooks if isinstance(hook, LogRecorder))
    model = getattr(runner.model, 'module', runner.model)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    sharded = [name for name, value in model.named_parameters() if isinstance(value, DTensor)]
    moments = [value for slots in runner.optim_wrapper.optimizer.state.values()
               for value in slots.values() if isinstance(value, DTensor)]
    return recorder.figures, weights, sharded, len(moments)


def make(work_dir, world, sharded=True, **options):
    options = dict(options, **(dict(runner_type='ShardedRunner') if sharded else {}))
    cfg = calm(two_stages(work_dir, world, epochs=EPOCHS, **options))
    cfg.default_hooks.checkpoint = dict(type='SafeCheckpointHook', by_epoch=False)
    return cfg


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sharded')
    alone, = together(1, outcome, folder, make(folder / 'alone', 1))
    return alone, together(2, outcome, folder, make(folder / 'run', 2)), folder


def test_all_parameters_and_moments_are_sharded(runs):
    alone, (one, other), _ = runs
    assert alone[2] == []
    assert len(one[2]) == len(one[1]) - 1, 'all but the counter of teacher updates'
    assert one[3] == len(one[2]), 'two moments for the student, half of the parameters'


def test_losses_weights_and_teacher_are_those_of_one_process(runs):
    alone, sharded, _ = runs
    for figures, weights, _, _ in sharded:
        assert largest_difference(weights, alone[1]) <= 1e-5
        for mine, reference in zip(figures, alone[0], strict=True):
            assert mine['loss'] == pytest.approx(reference['loss'], abs=1e-5)
    assert not torch.equal(alone[1]['teacher.head.layers.head.weight'],
                           alone[1]['student.head.layers.head.weight'])


def test_checkpoints_and_exports_hold_whole_tensors(runs):
    _, (one, _), folder = runs
    saved = load_checkpoint_safely(folder / 'run' / 'iter_12.pth')
    reference = load_checkpoint_safely(folder / 'alone' / 'iter_12.pth')
    assert all(torch.equal(saved['state_dict'][name], value) for name, value in one[1].items())
    slots, expected = saved['optimizer']['state'], reference['optimizer']['state']
    assert slots.keys() == expected.keys()
    for index in slots:
        assert largest_difference(slots[index], expected[index]) <= 1e-5
    for stage in ('supervised', 'semi'):
        exported = load_checkpoint_safely(folder / 'run' / f'classifier_{stage}.pth')['state_dict']
        plain = load_checkpoint_safely(folder / 'alone' / f'classifier_{stage}.pth')['state_dict']
        assert largest_difference(exported, plain) <= 1e-5


@pytest.mark.parametrize('world, sharded', [(2, True), (2, False), (1, False)])
def test_any_runner_goes_on_from_its_checkpoint(tmp_path, runs, world, sharded):
    alone, _, folder = runs
    cfg = make(tmp_path / 'run', world, sharded, resume=True,
               load_from=str(Path(folder, 'run', 'iter_8.pth')))
    for figures, weights, _, _ in together(world, outcome, tmp_path, cfg):
        assert len(figures) == 4
        assert largest_difference(weights, alone[1]) <= 1e-5


def test_stage_one(tmp_path):
    options = dict(epochs=1, runner_type='ShardedRunner')
    alone, = together(1, outcome, tmp_path, calm(stage_one(tmp_path / 'alone', 1, **options)))
    cfg = calm(stage_one(tmp_path / 'run', 2, **options))
    for _, weights, sharded, _ in together(2, outcome, tmp_path, cfg):
        assert sharded
        assert largest_difference(weights, alone[1]) <= 1e-5


def refused(cfg):
    """Train with a PyTorch that needs a GPU for it -> what it says."""
    sharded_runner.shards_on_cpus = lambda: False
    with pytest.raises(UserError, match='shards weights on GPUs only') as error:
        train(cfg)
    return str(error.value)


def test_a_pytorch_that_shards_on_gpus_only(tmp_path):
    said = together(2, refused, tmp_path, make(tmp_path / 'run', 2))
    assert said[0] == said[1] and 'leave out runner_type=ShardedRunner' in said[0]
