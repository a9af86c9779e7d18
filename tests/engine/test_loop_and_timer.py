"""How a run is laid out in stages, and the arithmetic of the time left."""
from types import SimpleNamespace

import pytest
from mmengine.hooks import iter_timer_hook
from mmengine.logging import MessageHub
from torch.utils.data import DataLoader, Dataset

from ssfer_mm import UserError
from ssfer_mm.datasets import TwoSourceBatchSampler, TwoSourceSampler
from ssfer_mm.engine import ResumableTrainLoop, Stage, StageTimerHook, TwoStageTrainLoop


class Numbers(Dataset):
    source_sizes = (20, 100)
    metainfo: dict = {}

    def __len__(self):
        return 120

    def __getitem__(self, index):
        return index


def loop(supervised=None, semi=None, batch=5, **options):
    sampler = TwoSourceSampler(Numbers(), seed=0)
    loader = DataLoader(Numbers(), batch_sampler=TwoSourceBatchSampler(sampler, batch))
    runner = SimpleNamespace(visualizer=SimpleNamespace(), val_loop=object())
    return TwoStageTrainLoop(runner, loader, supervised, semi, **options)


SEMI = dict(labeled=4, unlabeled=10)


def test_stages_follow_each_other():
    one = loop(dict(epochs=3), dict(SEMI, epochs=2))
    first, second = one.stages
    assert (first.begin_epoch, first.end_epoch, first.begin_iter, first.end_iter) == (0, 3, 0, 12)
    assert (second.begin_epoch, second.end_epoch, second.begin_iter,
            second.end_iter) == (3, 5, 12, 32)
    assert (one.max_epochs, one.max_iters) == (5, 32)
    assert [one.stage_at(epoch).name for epoch in range(6)] == ['supervised'] * 3 + ['semi'] * 3
    assert len(one.dataloader) == 4
    one.enter(second)
    assert len(one.dataloader) == 10


@pytest.mark.parametrize('supervised, semi, epochs, iterations', [
    (dict(epochs=3), None, 3, 12),
    (None, dict(SEMI, epochs=2), 2, 20),
    (dict(epochs=0), dict(SEMI, epochs=2), 2, 20),
    (dict(epochs=3), dict(SEMI, epochs=0), 3, 12),
])
def test_a_stage_may_be_left_out(supervised, semi, epochs, iterations):
    one = loop(supervised, semi)
    assert len(one.stages) == 1 and one.stages[0].begin_iter == 0
    assert (one.max_epochs, one.max_iters) == (epochs, iterations)
    assert len(one.dataloader) == one.stages[0].iters_per_epoch


def test_a_run_without_stages_is_an_error():
    with pytest.raises(UserError, match='no stage to train'):
        loop(None, dict(SEMI, epochs=0))


@pytest.mark.parametrize('supervised, semi, words', [
    (dict(epochs=3, labeled=64), None, 'this stage are train_dataloader.batch_size'),
    (dict(epochs=3, unlabeled=64), None, 'unknown setting unlabeled: it takes base_batch_size'),
    (dict(epochs=3, epoch=2), None, 'unknown setting epoch: it takes base_batch_size, epochs, opt'),
    (None, dict(epochs=3, labeled=2), 'train_cfg.semi lacks unlabeled'),
    (dict(epochs=1.5), None, r'supervised.epochs is 1.5: set it to a whole number'),
    (None, dict(SEMI, epochs='2'), r"train_cfg.semi.epochs is '2': set it to a whole number"),
    (None, dict(SEMI, epochs=2, labeled='4'), r"train_cfg.semi.labeled is '4': set it to"),
    (3, None, 'train_cfg.supervised is 3: set train_cfg.supervised.epochs, or'),
])
def test_settings_of_a_stage_that_mean_nothing(supervised, semi, words):
    with pytest.raises(UserError, match=words):
        loop(supervised, semi)


def test_batches_larger_than_the_data_are_found_before_training():
    with pytest.raises(UserError, match='21 labeled'):
        loop(dict(epochs=1), batch=21)
    with pytest.raises(UserError, match='101 unlabeled'):
        loop(dict(epochs=100), dict(SEMI, epochs=1, unlabeled=101))


def test_when_validation_is_due():
    """From epoch 4 every second one, and where a stage ends in any case."""
    one = loop(dict(epochs=3), dict(SEMI, epochs=4), val_begin=4, val_interval=2)
    due = []
    for epoch in range(1, 8):
        one._epoch = epoch
        if one._is_validation_due():
            due.append(epoch)
    assert due == [3, 4, 6, 7]
    one.runner.val_loop = None
    assert not one._is_validation_due()


@pytest.mark.parametrize('interval', [0, -1, '5', 2.5])
def test_an_interval_that_is_no_number_of_epochs(interval):
    with pytest.raises(UserError, match=f'val_interval is {interval!r}: .*--no-validate'):
        loop(dict(epochs=3), val_interval=interval)
    with pytest.raises(UserError, match='train_cfg.val_interval is'):
        ResumableTrainLoop(None, None, max_epochs=3, val_interval=interval)


# ---- time left ------------------------------------------------------------------------------

STAGES = (Stage('supervised', 2, labeled=8, unlabeled=0, begin_epoch=0, begin_iter=0,
                iters_per_epoch=5),
          Stage('semi', 3, labeled=4, unlabeled=14, begin_epoch=2, begin_iter=10,
                iters_per_epoch=20))


def etas(monkeypatch, seconds, first=0):
    """ETA after each iteration, the first of them number ``first``, lasting ``seconds``."""
    now = [0.0]
    monkeypatch.setattr(iter_timer_hook, 'time', SimpleNamespace(time=lambda: now[0]))
    hub = MessageHub(f'eta{first}')
    train_loop = SimpleNamespace(stages=STAGES, stage=None)
    runner = SimpleNamespace(message_hub=hub, iter=first, max_iters=70, train_loop=train_loop)
    timer, result = StageTimerHook(), []
    timer.before_train(runner)
    timer._before_epoch(runner)
    for iteration, lasts in enumerate(seconds, start=first):
        runner.iter = iteration
        train_loop.stage = STAGES[iteration >= 10]
        timer._before_iter(runner, 0)
        now[0] += lasts
        timer._after_iter(runner, 0)
        result.append(hub.get_info('eta'))
    return result


def test_time_left_in_both_stages(monkeypatch):
    """Iterations of stage II last 1 s; those of III, guessed by images as 2 s, last 3 s."""
    left = etas(monkeypatch, [1.0] * 10 + [3.0] * 60)
    assert left[0] == pytest.approx(9 + 60 * 1.0 * (4 + 2 * 14) / (2 * 8))
    assert left[9] == pytest.approx(60 * 2)
    assert left[10] == pytest.approx(59 * 3), 'not averaged with the short ones of stage II'
    assert left[69] == 0


def test_time_left_is_a_mean_over_the_stage(monkeypatch):
    assert etas(monkeypatch, [1.0, 3.0])[1] == pytest.approx(2.0 * 8 + 60 * 4.0)


def test_time_left_after_a_resume_in_stage_iii(monkeypatch):
    assert etas(monkeypatch, [2.0, 4.0], first=40)[1] == pytest.approx(28 * 3.0)
