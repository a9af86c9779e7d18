"""What a finished run is a result of."""
import pytest

from ssfer_mm.apis.training import all_stages, child_training
from ssfer_mm.apis.training.deciding_settings import (
    flat_settings,
    note_settings,
    refuse_other_settings,
)
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError

SSFER = 'configs/ssfer/synthfer_5pct_resnet-nano.py'
STAGE_ONE = 'configs/mae/spark_resnet-nano_synthfer-48px.py'
FAKE = '''
import json, sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
(folder / 'epoch_2.pth').touch()
stage = dict(epochs=900, iterations=1, seconds=1., metrics=dict(accuracy=50.))
(folder / 'stages.json').write_text(json.dumps(dict(supervised=stage)))
'''


@pytest.mark.parametrize('option, same', [
    ({'optim_wrapper.optimizer.lr': 1e-5}, False), ({'randomness.seed': 7}, False),
    ({'train_dataloader.num_workers': 0}, True), ({'default_hooks.checkpoint.interval': 3}, True),
    ({'train_cfg.val_interval': 9}, True)])
def test_settings_that_decide_and_others(option, same):
    before, after = (flat_settings(load_config(SSFER, changes)) for changes in ({}, option))
    assert (before == after) is same


def test_a_run_that_has_begun_keeps_its_settings(tmp_path):
    run = tmp_path / 'run'
    refuse_other_settings(run, dict(a=1))
    for a in (1, 2):  # the first start failed before its first checkpoint
        note_settings(run, dict(a=a))
    (run / 'epoch_1.pth').touch()
    note_settings(run, dict(a=3))
    refuse_other_settings(run, dict(a=2))
    with pytest.raises(UserError, match=r'run holds .* \(differs in a, b, c and 1 more\). Give'):
        refuse_other_settings(run, dict(a=1, b=1, c=1, d=1))
    for note in ('{"a": ', '3'):
        (run / 'settings.json').write_text(note)
        refuse_other_settings(run, dict(a=3))


def test_an_old_result_is_not_shown_for_new_settings(tmp_path, monkeypatch, capsys):
    program = tmp_path / 'train.py'
    program.write_text(FAKE)
    monkeypatch.setattr(child_training, 'TRAIN', program)
    stage_one = ['--pretrain', STAGE_ONE, '--pretrain-options', 'train_cfg.max_epochs=2']

    def again(*arguments, folder='run'):
        all_stages.main([SSFER, '--work-dir', str(tmp_path / folder), *stage_one, *arguments])
        return '50.00' in capsys.readouterr().out

    assert again() and again('--cfg-options', 'train_dataloader.num_workers=0')
    lr = ['--cfg-options', 'optim_wrapper.optimizer.lr=1e-5']
    with pytest.raises(UserError, match=r'ssfer holds .*\(differs in optim_wrapper.optimizer.lr\)'):
        again(*lr)
    with pytest.raises(UserError, match=r'stage1 holds .*\(differs in model.mask_ratio\)'):
        again('model.mask_ratio=0.5')
    (tmp_path / 'run').rename(tmp_path / 'moved')
    assert again(folder='moved'), 'wherever stage I lies'
