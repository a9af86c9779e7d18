"""A run that was interrupted, anywhere, is finished by the same command with --resume."""
import os
import signal
import subprocess
import sys

import pytest
import torch

from ssfer_mm.apis import load_config, train_main
from support.outcome import scalars, stages
from support.shrink import REPO, shrink, write

EPOCHS = 3  # per stage


@pytest.fixture()
def config(tmp_path, raw):
    """Write a config that stops in an epoch, or (None) does not; returns its path."""
    def make(stop, how, name='ssfer/synthfer_5pct_vit-micro.py'):
        cfg = shrink(load_config(REPO / 'configs' / name), tmp_path / 'run', raw)
        for stage in (cfg.train_cfg.supervised, cfg.train_cfg.semi):
            if stage:
                stage.epochs = EPOCHS
        cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=-1)
        cfg.default_hooks.logger.interval = 1
        cfg.custom_imports.imports.append('support.probes')
        cfg.custom_hooks.append(dict(type='RecordUse'))
        if stop is not None:
            cfg.custom_hooks.append(dict(type='StopAt', epoch=stop, how=how))
        return write(cfg, tmp_path / 'config.py')
    return make


def check_finished(run, first_epoch):
    """Both stages complete, and no epoch trained twice after the resume."""
    report = stages(run)
    iterations = dict(supervised=8 // 3, semi=24 // 6)
    for name, each in iterations.items():
        assert report[name]['epochs'] == EPOCHS
        assert report[name]['iterations'] == EPOCHS * each
        assert 'accuracy' in report[name]['metrics']
        assert (run / f'classifier_{name}.pth').is_file()
    last = torch.load(run / 'epoch_6.pth', weights_only=False)
    assert (last['meta']['epoch'], last['meta']['iter']) == (6, EPOCHS * (2 + 4))
    assert int(last['state_dict']['ema_steps']) == EPOCHS * (2 + 4)
    # Stage III has its own optimizer and schedule, which count from its own start.
    group = last['optimizer']['param_groups'][0]
    assert group['betas'] == (0.9, 0.999)
    assert int(last['optimizer']['state'][0]['step']) == EPOCHS * 4
    # mmengine does not count the step that leaves a schedule's range.
    assert [schedule['last_step'] for schedule in last['param_schedulers']] == [EPOCHS * 4 - 1]
    trained = [line for line in scalars(run) if 'loss' in line]
    newest = [line for line in trained if line['epoch'] > first_epoch]
    assert [line['step'] for line in newest] == sorted({line['step'] for line in newest})
    assert trained[-1]['step'] == EPOCHS * (2 + 4)


def train_process(config):
    """tools/train.py in a process of its own."""
    return subprocess.run(
        [sys.executable, str(REPO / 'tools' / 'train.py'), config], capture_output=True, text=True,
        env=dict(os.environ, PYTHONPATH=f'{REPO}:{REPO / "tests"}', OMP_NUM_THREADS='1'),
        # A shell that runs tests in the background lets them ignore Ctrl-C, and children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


@pytest.mark.parametrize('stop, how', [(1, 'error'), (3, 'error'), (4, 'error')],
                         ids=['in stage II', 'first epoch of stage III', 'in stage III'])
def test_a_run_that_failed(stop, how, config, cli, tmp_path):
    with pytest.raises(RuntimeError, match='on fire'):
        cli(train_main, config(stop, how))
    interrupted = stages(tmp_path / 'run')
    assert sum(stage['epochs'] for stage in interrupted.values()) == stop
    assert cli(train_main, config(None, None), '--resume').status == 0
    check_finished(tmp_path / 'run', stop)
    assert list(tmp_path.glob('run/*.part')) == []


def test_the_schedule_continues_where_it_was(config, cli, tmp_path):
    """The learning rates of an interrupted run are those of an uninterrupted one."""
    assert cli(train_main, config(None, None)).status == 0
    whole = learning_rates(tmp_path / 'run')
    for name in ('epoch_3.pth', 'epoch_4.pth', 'epoch_1.pth'):
        work_dir = tmp_path / f'from_{name}'
        assert cli(train_main, config(None, None), '--work-dir', work_dir, '--resume',
                   tmp_path / 'run' / name).status == 0
        rates = learning_rates(work_dir)
        assert 0 < len(rates) < len(whole)
        assert rates == pytest.approx({step: whole[step] for step in rates})


def learning_rates(run):
    return {line['step']: line['lr'] for line in scalars(run) if 'loss' in line}


def test_fixmatch_resumes_its_only_stage(config, cli, tmp_path):
    """Its one stage has another optimizer and schedule than the config's top level."""
    name = 'baselines/synthfer_5pct_vit-micro_fixmatch.py'
    assert cli(train_main, config(None, None, name)).status == 0
    whole = learning_rates(tmp_path / 'run')
    work_dir = tmp_path / 'again'
    assert cli(train_main, config(None, None, name), '--work-dir', work_dir, '--resume',
               tmp_path / 'run' / 'epoch_1.pth').status == 0
    rates = learning_rates(work_dir)
    assert rates == pytest.approx({step: whole[step] for step in range(5, 13)})


def test_ctrl_c_says_how_to_go_on_and_the_second_run_does(config, cli, tmp_path):
    """A real signal to a real process, in stage III."""
    done = train_process(config(4, 'SIGINT'))
    assert done.returncode == 130 and 'Traceback' not in done.stderr
    assert '--resume' in done.stderr.strip().splitlines()[-1]
    assert not (tmp_path / 'run' / 'classifier_semi.pth').exists()
    assert cli(train_main, config(None, None), '--resume').status == 0
    check_finished(tmp_path / 'run', 4)


def test_a_killed_process_leaves_a_checkpoint_that_resumes(config, cli, tmp_path):
    assert train_process(config(1, 'SIGKILL')).returncode == -9
    assert cli(train_main, config(None, None), '--resume').status == 0
    check_finished(tmp_path / 'run', 1)


def test_a_finished_run_resumes_to_nothing(finished, cli):
    before = stages(finished.run)
    report = cli(train_main, finished.config, '--resume', '--cfg-options',
                 f'model.pretrained={finished.stage1}')
    assert report.status == 0
    after = stages(finished.run)
    assert after.keys() == before.keys()
    for name, stage in before.items():
        assert after[name]['epochs'] == stage['epochs']
        assert after[name]['metrics'] == pytest.approx(stage['metrics'])


def test_another_split_is_refused(config, cli, tmp_path):
    with pytest.raises(RuntimeError, match='on fire'):
        cli(train_main, config(1, 'error'))
    report = cli(train_main, config(None, None), '--resume', '--cfg-options',
                 'train_dataloader.dataset.split.seed=1')
    assert report.status == 2 and 'the config now draws another split' in report.err
