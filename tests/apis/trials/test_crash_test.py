"""Killed at random moments and resumed, the demo's stages end as if they had never stopped."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from ssfer_mm import UserError
from ssfer_mm.apis import load_config
from ssfer_mm.apis.trials import crash_test as crash_module
from ssfer_mm.apis.trials.compare_runs import compare_runs, compare_values
from ssfer_mm.apis.trials.crash_test import crash_test, main
from support.shrink import REPO, shrink, write

STAGE_I = 'mae/mae_vit-micro-p8_synthfer-48px.py'
STAGES_II_III = 'ssfer/synthfer_5pct_vit-micro.py'
EPOCHS = 3


@pytest.fixture()
def config(tmp_path):
    def make(name, epochs=EPOCHS):
        cfg = shrink(load_config(REPO / 'configs' / name), tmp_path / 'run',
                     {'data/synthfer': tmp_path / 'synthfer'})
        for stage in (cfg.train_cfg.get('supervised'), cfg.train_cfg.get('semi')):
            if stage:
                stage.epochs = epochs
        if 'max_epochs' in cfg.train_cfg:
            cfg.train_cfg.max_epochs = 2 * epochs
        cfg.default_hooks.checkpoint.interval = cfg.default_hooks.logger.interval = 1
        return write(cfg, tmp_path / 'config.py')
    return make


def test_two_kills(config, tmp_path, capsys):
    """The whole tool, on stages II and III."""
    assert main([config(STAGES_II_III), '--kills', '2', '--work-dir', str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert 'The same, bit for bit, after 2 kills' in said and '0 of them' not in said


def test_its_trainings_are_those_of_the_tool(tmp_path, monkeypatch):
    """With all that it adds to a runner; also of a config that several processes left."""
    def train(cfg, began):
        began()
        assert cfg.launcher == 'none'
        assert (cfg.work_dir, cfg.resume, cfg.load_from) == (str(tmp_path), True, None)

    for name, stand_in in dict(hear_ctrl_c=int, end_with_parent=int).items():
        monkeypatch.setattr(crash_module, name, stand_in)
    monkeypatch.setattr('ssfer_mm.apis.training.launch.train', train)
    monkeypatch.setattr(crash_module.os, 'dup2', lambda *handles: None)
    told = []
    cfg = load_config(REPO / 'configs' / STAGE_I)
    cfg.launcher = 'pytorch'
    crash_module._train(write(cfg, tmp_path / 'config.py'), None, tmp_path,
                        SimpleNamespace(send=told.append))
    assert told == [None]


@pytest.mark.slow
@pytest.mark.parametrize('name, without', [
    pytest.param(STAGE_I, None, id='stage I'),
    pytest.param(STAGES_II_III, 'semi', id='stage II'),
    pytest.param(STAGES_II_III, 'supervised', id='stage III'),
    pytest.param(STAGES_II_III, None, id='the switch'),
])
def test_twenty_kills(name, without, config, tmp_path):
    options = {f'train_cfg.{without}': None} if without else None
    outcome = crash_test(config(name, epochs=8), kills=20, work_dir=str(tmp_path),
                         cfg_options=options)
    assert outcome.kills == 20 and outcome.resumes >= 10 and outcome.differences == []


@pytest.mark.slow
def test_it_finds_what_is_not_exact(config, tmp_path):
    # A hook that seeds nothing; and a worker, or the data's seeds would serve the model too.
    options = {'default_hooks.exact_resume.type': 'SplitRecordHook',
               'train_dataloader.num_workers': 1}
    outcome = crash_test(config(STAGE_I), 4, work_dir=str(tmp_path), cfg_options=options)
    assert any('state_dict' in line for line in outcome.differences)


def test_a_mistake_is_one_line(tmp_path, capsys):
    assert main([str(tmp_path / 'nothing.py')]) == 2
    assert capsys.readouterr().err.startswith('error: ')


@pytest.mark.parametrize('name', ['whole', 'killed_12'])
def test_only_folders_of_a_crash_test_are_replaced(name, config, tmp_path, monkeypatch):
    """A folder of somebody who calls it so, too, is refused before anything is trained."""
    monkeypatch.setattr(crash_module, '_start', lambda *_: pytest.fail('too late'))
    own = tmp_path / 'work' / name / 'thesis.txt'
    own.parent.mkdir(parents=True)
    own.write_text('all of it')
    with pytest.raises(UserError, match=f'{name} would be deleted.* another --work-dir'):
        crash_test(config(STAGE_I), 1, work_dir=str(tmp_path / 'work'))
    assert own.read_text() == 'all of it' and len(list((tmp_path / 'work').iterdir())) == 1
    own.unlink()
    for name in ('killed_notes', 'holesome'):  # nothing that this tool would touch
        (tmp_path / 'work' / name).mkdir()
        (tmp_path / 'work' / name / 'a').touch()
    crash_module._refuse_others(tmp_path / 'work')
    (crash_module._fresh(tmp_path / 'work' / 'whole') / 'epoch_1.pth').touch()
    crash_module._refuse_others(tmp_path / 'work')
    assert not (crash_module._fresh(tmp_path / 'work' / 'whole') / 'epoch_1.pth').exists()


def test_a_training_that_fails_by_itself_is_no_crash_test(config, tmp_path):
    with pytest.raises(UserError, match='failed by itself .*train.log'):
        crash_test(config(STAGE_I), 1, work_dir=str(tmp_path),
                   cfg_options={'train_dataloader.batch_size': -1})
    with pytest.raises(UserError, match='at least 1'):
        crash_test(config(STAGE_I), 0)


# ---- what counts as a difference ----------------------------------------------------------------


def checkpoint(**changes):
    """Freshly made each time: comparing an object with itself would prove nothing."""
    state = dict(weight=torch.arange(3.), nan=torch.tensor(float('nan')), zero=torch.tensor(0.))
    hub = dict(log_scalars={'train/loss': HistoryBuffer([1., 2.], [1, 1]),
                            'train/time': HistoryBuffer([changes.pop('time', 1.)], [1])})
    return dict(state_dict=dict(state, **changes), message_hub=hub, optimizer=[dict(lr=0.1)],
                meta=dict(epoch=1, time='now'))


def test_times_and_only_times_may_differ():
    assert compare_values(checkpoint(), checkpoint(time=5.)) == []
    ulp = torch.tensor(np.nextafter(np.float32(2), np.float32(3)))
    for change in (dict(weight=torch.stack([torch.tensor(0.), torch.tensor(1.), ulp])),
                   dict(zero=torch.tensor(-0.)), dict(nan=torch.tensor(0.)),
                   dict(weight=torch.arange(3)), dict(more=torch.zeros(()))):
        assert len(compare_values(checkpoint(), checkpoint(**change))) == 1, change
    other = checkpoint()
    other['message_hub']['log_scalars']['train/loss'].update(3.)
    other['optimizer'][0]['lr'] = 0.2
    assert len(compare_values(checkpoint(), other)) == 3


def test_work_dirs(tmp_path):
    def run(name, lines, **changes):
        log = tmp_path / name / 'clock' / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text('\n'.join(lines))
        torch.save(checkpoint(**changes), tmp_path / name / 'epoch_1.pth')
        return tmp_path / name

    one = run('one', ['{"loss": 1.0, "time": 3, "step": 1}', '{"loss": 0.5, "step": 2}'])
    again = run('again', ['{"loss": 1.0, "time": 4, "step": 1}', '{"loss": 1.0, "step": 1}',
                          '{"loss": 0.5, "step": 2}', '{"loss": 0.'])
    assert compare_runs(one, again) == []
    cases = SimpleNamespace(
        twice=run('twice', ['{"loss": 1.0, "step": 1}', '{"loss": 1.1, "step": 1}',
                            '{"loss": 0.5, "step": 2}']),
        short=run('short', ['{"loss": 1.0, "step": 1}']),
        weights=run('weights', ['{"loss": 1.0, "step": 1}', '{"loss": 0.5, "step": 2}'],
                    zero=torch.tensor(1.)))
    for name, case in vars(cases).items():
        assert len(compare_runs(one, case)) == 1, name
    (one / 'epoch_2.pth').write_bytes((one / 'epoch_1.pth').read_bytes())
    assert compare_runs(one, again)[0].startswith('files')
