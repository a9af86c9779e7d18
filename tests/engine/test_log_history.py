"""The log's histories stay short, and what is printed stays the same."""
import json
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub
from mmengine.runner import LogProcessor

from ssfer_mm.engine import LogHistoryHook
from support.runs import II_ITERS, III_ITERS, config, train
from support.shrink import unique_name


def histories(work_dir, hook):
    cfg = config(work_dir, hooks=hook)
    cfg.train_cfg.supervised.epochs, cfg.train_cfg.semi.epochs = 1, 4
    runner = train(cfg)
    scalars = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    losses = [{name: value for name, value in json.loads(line).items() if 'time' not in name}
              for line in scalars]
    return {name: len(buffer.data[0])
            for name, buffer in runner.message_hub.log_scalars.items()}, losses


def test_an_epoch_or_a_window_is_kept_and_the_log_is_the_same(tmp_path):
    everything, log = histories(tmp_path / 'all', [])
    bounded, same = histories(tmp_path / 'few', [dict(type='LogHistoryHook', min_length=1)])
    assert everything['train/loss'] == 4 * III_ITERS
    # The window of ten is longer than both stages' epochs.
    assert max(II_ITERS, III_ITERS) < 10
    assert bounded['train/loss'] == bounded['train/time'] == 10
    assert same == log


def kept(updates, min_length=1, epoch=5, validation=None, **processor):
    """Length of a history after so many updates under the hook."""
    hub, hook = MessageHub(unique_name()), LogHistoryHook(min_length)
    runner = SimpleNamespace(
        message_hub=hub, log_processor=LogProcessor(**processor),
        train_loop=SimpleNamespace(epoch_lengths=[epoch]),
        val_loop=validation and SimpleNamespace(dataloader=range(validation)))
    hook.before_train_epoch(runner)
    for value in range(updates):
        hub.update_scalar('train/loss', float(value))
        hook.after_train_iter(runner, value)
    assert hub.get_scalar('train/loss').current() == updates - 1
    return len(hub.get_scalar('train/loss').data[0])


WIDE = [dict(data_src='loss', method_name='mean', window_size=30, log_name='loss_of_30')]
WHOLE = [dict(data_src='loss', method_name='mean', window_size='global', log_name='loss_so_far')]


@pytest.mark.parametrize('settings, length', [
    pytest.param(dict(), 10, id='the window'),
    pytest.param(dict(window_size=3), 5, id='an epoch'),
    pytest.param(dict(epoch=12), 12, id='a longer epoch'),
    pytest.param(dict(validation=14), 14, id='a validation'),
    pytest.param(dict(custom_cfg=WIDE), 30, id='the window of one figure'),
    pytest.param(dict(min_length=25), 25, id='what the user wants'),
    pytest.param(dict(custom_cfg=WHOLE), 50, id='a mean over the whole run needs everything'),
])
def test_length(settings, length):
    assert kept(50, **settings) == length


def test_a_resumed_history_is_cut_where_the_first_would_have_been():
    hub, hook = MessageHub(unique_name()), LogHistoryHook(min_length=10)
    runner = SimpleNamespace(message_hub=hub, log_processor=LogProcessor(), val_loop=None,
                             train_loop=SimpleNamespace(epoch_lengths=[5]))
    for value in range(10):
        hub.update_scalar('train/loss', float(value))
    hook.before_train_epoch(runner)
    hub.update_scalar('train/loss', 10.)
    assert len(hub.get_scalar('train/loss').data[0]) == 10
