"""tools/run_ssfer.py: every stage and the baseline in one command, once."""
import subprocess
from types import SimpleNamespace

import cv2
import pytest

from ssfer_mm.apis import load_config
from ssfer_mm.apis.training import all_stages
from ssfer_mm.errors import UserError
from support.outcome import stages, weights
from support.shrink import shrink, write

CONFIGS = dict(ssfer='ssfer/synthfer_5pct_resnet-nano.py',
               baseline='baselines/synthfer_5pct_resnet-nano_labeled-only.py',
               stage1='mae/spark_resnet-nano_synthfer-48px.py')


@pytest.fixture(scope='module')
def done(tmp_path_factory, raw):
    """The finished command: its arguments and work dir."""
    folder = tmp_path_factory.mktemp('all')
    files = {}
    for key, name in CONFIGS.items():
        cfg = shrink(load_config(f'configs/{name}'), folder / 'unused', raw, 'absent.pth')
        del cfg._cfg_dict['experiment_name'], cfg._cfg_dict['work_dir']
        files[key] = write(cfg, folder / f'{key}.py')
    arguments = [files['ssfer'], '--pretrain', files['stage1'], '--baseline', files['baseline'],
                 '--work-dir', str(folder / 'my runs, 1'), '--cfg-options', 'randomness.seed=3',
                 '--pretrain-options', 'randomness.seed=4']
    all_stages.main(arguments)
    return SimpleNamespace(arguments=arguments, folder=folder / 'my runs, 1')


def test_table_and_curves(done):
    rows = (done.folder / 'table.txt').read_text().splitlines()[1:]
    assert [row[:22].strip() for row in rows] == [
        'Stage I (faces only)', 'Baseline', 'SSFER, stage II', 'SSFER, stage III']
    for row, (run, stage) in zip(rows[1:], [('baseline', 'supervised'), ('ssfer', 'supervised'),
                                            ('ssfer', 'semi')]):
        metrics = stages(done.folder / run)[stage]['metrics']
        assert row[22:].split()[:2] == [f'{metrics["accuracy"]:.2f}',
                                        f'{metrics["mean_class_accuracy"]:.2f}']
    assert int(rows[0].split()[-1]) > 0
    assert cv2.imread(str(done.folder / 'curves.png')) is not None


def test_every_part_starts_from_stage_one_and_the_same_split(done):
    for run in ('ssfer', 'baseline'):
        log = (done.folder / run / 'train.log').read_text()
        assert f'tensors from backbone.* of {done.folder}/stage1/epoch_1.pth' in log
    splits = [(done.folder / run / 'split.json').read_text() for run in ('ssfer', 'baseline')]
    assert splits[0] == splits[1]
    assert weights(done.folder / 'ssfer' / 'classifier_semi.pth')


def test_options_reach_their_runs(done):
    for run, seed in (('ssfer', 3), ('baseline', 3), ('stage1', 4)):
        log = (done.folder / run / 'train.log').read_text()
        assert f'seed={seed}' in log.replace(' ', '')


def test_a_second_call_repeats_nothing(done, monkeypatch, capsys):
    def refuse(*arguments, **options):
        raise AssertionError(f'something was run again: {arguments}')

    monkeypatch.setattr(subprocess, 'Popen', refuse)
    before = (done.folder / 'table.txt').read_text()
    (done.folder / 'table.txt').unlink()
    all_stages.main(done.arguments)
    assert (done.folder / 'table.txt').read_text() == before
    assert before.strip() in capsys.readouterr().out


def test_a_part_that_fails_says_why_and_where(done, tmp_path, capsys):
    arguments = [done.arguments[0], '--work-dir', str(tmp_path / 'run')]
    with pytest.raises(UserError) as error:
        all_stages.main(arguments)
    assert str(tmp_path / 'run' / 'ssfer' / 'train.log') in str(error.value)
    shown = capsys.readouterr().out
    assert shown.count('error: ') == 1 and 'absent.pth' in shown
