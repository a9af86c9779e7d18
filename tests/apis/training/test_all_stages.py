"""``tools/run_ssfer.py``: what it starts its trainings with."""
import json
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ssfer_mm.apis.training import all_stages, child_training
from ssfer_mm.command_line.parsers import train_parser
from ssfer_mm.errors import UserError

SSFER = 'configs/ssfer/synthfer_5pct_resnet-nano.py'
BASELINE = 'configs/baselines/synthfer_5pct_resnet-nano_labeled-only.py'
STAGE_ONE = 'configs/mae/spark_resnet-nano_synthfer-48px.py'

# Leaves what a training of two epochs leaves.
FAKE = '''
import json, sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
(folder / 'argv.json').write_text(json.dumps(sys.argv[1:]))
(folder / 'epoch_2.pth').touch()
stage = dict(epochs=900, iterations=1, seconds=1., metrics=dict(accuracy=50.))
(folder / 'stages.json').write_text(json.dumps(dict(supervised=stage)))
'''


@pytest.fixture()
def fake(tmp_path, monkeypatch):
    program = tmp_path / 'train.py'
    program.write_text(FAKE)
    monkeypatch.setattr(child_training, 'TRAIN', program)


def test_options_and_paths_with_blanks_and_commas_reach_every_training(fake, tmp_path):
    work_dir = tmp_path / 'my runs, 2'
    root, pair = 'train_dataloader.dataset.dataset.cache_dir', 'data_preprocessor.facemix'
    all_stages.main([SSFER, '--pretrain', STAGE_ONE, '--baseline', BASELINE, '--work-dir',
                     str(work_dir), '--pretrain-options', 'train_cfg.max_epochs=2',
                     '--cfg-options', f'{root}=/my data', f'{pair}=("a, b",1)'])

    def started(name):
        return train_parser().parse_args(json.loads((work_dir / name / 'argv.json').read_text()))

    for name in ('ssfer', 'baseline'):
        assert started(name).cfg_options == {
            'model.pretrained': str(work_dir / 'stage1' / 'epoch_2.pth'), root: '/my data',
            pair: ('a, b', 1)}
        assert started(name).resume == 'auto'
    assert started('stage1').cfg_options == {'train_cfg.max_epochs': 2}


@pytest.mark.parametrize('arguments, message', [
    ([SSFER, '--pretrain', STAGE_ONE, '--baseline', 'configs/baselines/none.py'], 'none.py not'),
    ([SSFER, '--pretrain', STAGE_ONE, '--baseline', STAGE_ONE], 'configs/baselines'),
    ([STAGE_ONE], 'has neither stage II nor stage III .* configs/ssfer'),
    ([SSFER, '--pretrain', SSFER], 'is not a config of stage I .* configs/mae'),
    ([SSFER, '--pretrain', 'configs/_base_/default_runtime.py'], 'is not a config of stage I'),
    (['configs/_base_/default_runtime.py'], 'has neither stage II nor'),
    ([SSFER, '--pretrain', STAGE_ONE, '--cfg-options', 'randomnes.seed=1'], 'randomness'),
    ([SSFER, '--pretrain', STAGE_ONE.replace('nano_synthfer', 'micro_faces')],
     'What configs/mae/spark_resnet-micro_faces-48px.py trains does not fit .* ResNet_CIFAR'),
    ([SSFER, '--pretrain', STAGE_ONE, '--baseline', 'configs/ssfer/rafdb_5pct.py'],
     'does not fit .* VisionTransformer'),
    ([SSFER, '--pretrain', STAGE_ONE, '--cfg-options', 'model.pretrained=other.pth'],
     'model.pretrained=other.pth takes other weights: leave one of them out'),
])
def test_all_configs_are_read_before_the_first_training(tmp_path, monkeypatch, arguments, message):
    def refuse(*arguments, **options):
        raise AssertionError('a training began')

    monkeypatch.setattr(all_stages, 'train', refuse)
    with pytest.raises(UserError, match=message):
        all_stages.main([*arguments, '--work-dir', str(tmp_path / 'run')])


def test_options_of_stage_iii_are_none_of_a_baseline_without_it(fake, tmp_path, capsys):
    """README's way to smaller batches, beside a baseline."""
    few = ['train_dataloader.batch_size=8', 'train_cfg.semi.labeled=8']
    all_stages.main([SSFER, '--baseline', BASELINE, '--work-dir', str(tmp_path / 'run'),
                     '--cfg-options', 'model.pretrained=None', *few])
    assert 'train_cfg.semi=None: train_cfg.semi.labeled is left out' in capsys.readouterr().out

    def started(name):
        return json.loads((tmp_path / 'run' / name / 'argv.json').read_text())

    assert all(option in started('ssfer') for option in few)
    assert few[0] in started('baseline') and few[1] not in started('baseline')


def test_seconds_of_an_interrupted_stage_one_count(tmp_path, monkeypatch):
    """Three calls: two end with Ctrl-C after 10 and 20 seconds, the last one takes 5."""
    checkpoint, times = tmp_path / 'stage1' / 'epoch_2.pth', iter([0, 10, 100, 120, 200, 205])
    monkeypatch.setattr(all_stages, 'time', SimpleNamespace(monotonic=times.__next__))

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(all_stages, 'train', interrupt)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            all_stages._stage_one(STAGE_ONE, checkpoint, {})
    monkeypatch.setattr(all_stages, 'train', lambda *arguments, **options: checkpoint.touch())
    assert all_stages._stage_one(STAGE_ONE, checkpoint, {}) == 35
    assert all_stages._stage_one(STAGE_ONE, checkpoint, {}) == 35, 'nothing is left to do'


def test_a_wrong_number_of_classes_ends_it_before_stage_one(fake, tmp_path):
    """Stage I may take hours, and README's own faces have their classes in a config to copy."""
    for name in ('anger', 'neutral', 'surprise'):
        folder = tmp_path / 'faces/train' / name
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / '0.png'), np.zeros((48, 48, 3), np.uint8))
    work_dir = tmp_path / 'run'
    command = ['configs/ssfer/my-faces_resnet-nano.py', '--work-dir', str(work_dir),
               '--pretrain', 'configs/mae/spark_resnet-nano_faces-48px.py', '--pretrain-options',
               'train_cfg.max_epochs=2', '--cfg-options',
               f'train_dataloader.dataset.dataset.data_root={tmp_path / "faces"}']
    with pytest.raises(UserError, match='3 classes .* the model 8: set .* to 3'):
        all_stages.main(command)
    assert not (work_dir / 'stage1').exists()
    all_stages.main([*command, 'data_preprocessor.num_classes=3'])
    assert (work_dir / 'stage1').exists()


def test_a_batch_larger_than_its_data_ends_it_before_stage_one(fake, tmp_path):
    """The labeled few of README's own faces may be fewer than the 32 of a batch."""
    for name in ('train/anger/0', 'train/neutral/0', *(f'unlabeled/{k}' for k in range(4))):
        path = tmp_path / 'faces' / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((48, 48, 3), np.uint8))
    work_dir, faces = tmp_path / 'run', tmp_path / 'faces'
    command = ['configs/ssfer/my-faces_resnet-nano.py', '--work-dir', str(work_dir),
               '--pretrain', 'configs/mae/spark_resnet-nano_faces-48px.py', '--pretrain-options',
               'train_cfg.max_epochs=2', '--cfg-options', 'data_preprocessor.num_classes=2',
               f'train_dataloader.dataset.dataset.data_root={faces}',
               f'train_dataloader.dataset.extra_unlabeled.0.data_root={faces}/unlabeled',
               'train_cfg.semi.labeled=2', 'train_cfg.semi.unlabeled=4']
    with pytest.raises(UserError, match='wants 32 labeled images, but the data have only 2'):
        all_stages.main(command)
    assert not (work_dir / 'stage1').exists()
    all_stages.main([*command, 'train_dataloader.batch_size=2'])
    assert (work_dir / 'stage1').exists()


def test_a_batch_larger_than_all_faces_of_stage_one_is_said_before_it(fake, tmp_path):
    for k in range(4):
        path = tmp_path / 'faces' / f'{k}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((48, 48, 3), np.uint8))
    work_dir = tmp_path / 'run'
    command = [SSFER, '--pretrain', 'configs/mae/spark_resnet-nano_faces-48px.py', '--work-dir',
               str(work_dir), '--pretrain-options', 'train_cfg.max_epochs=2',
               f'train_dataloader.dataset.data_root=[{tmp_path / "faces"}]']
    with pytest.raises(UserError, match='wants [0-9]+ images, but the data have only 4.*Lower '
                                        'train_dataloader.batch_size .*--pretrain-options'):
        all_stages.main(command)
    assert not (work_dir / 'stage1').exists()
    all_stages.main([*command, 'train_dataloader.batch_size=4'])
    assert (work_dir / 'stage1').exists()


def test_results_of_a_former_stage_one_are_not_kept_as_those_of_the_new_one(fake, tmp_path):
    """Who renames the folder of stage I, as the message says, trains what follows anew, too."""
    work_dir = tmp_path / 'run'
    command = [SSFER, '--pretrain', STAGE_ONE, '--work-dir', str(work_dir), '--pretrain-options',
               'train_cfg.max_epochs=2']
    all_stages.main(command)
    command.append('optim_wrapper.optimizer.lr=0.01')
    with pytest.raises(UserError, match=r'stage1 holds a run with other settings .*optimizer.lr'):
        all_stages.main(command)
    (work_dir / 'stage1').rename(work_dir / 'stage1.old')
    with pytest.raises(UserError, match=r'ssfer holds a run .*differs in stage I\)'):
        all_stages.main(command)

    note = work_dir / 'ssfer' / 'settings.json'  # of a version that did not note it
    settings = json.loads(note.read_text())
    del settings['stage I']
    note.write_text(json.dumps(settings))
    all_stages.main(command)


def test_resume_is_what_it_does_anyway(fake, tmp_path):
    for _ in range(2):
        all_stages.main([SSFER, '--pretrain', STAGE_ONE, '--work-dir', str(tmp_path / 'run'),
                         '--resume', '--pretrain-options', 'train_cfg.max_epochs=2'])


def test_a_work_dir_below_a_file_is_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / 'notes').touch()
    monkeypatch.setattr(sys, 'argv', ['tools/run_ssfer.py', SSFER, '--pretrain', STAGE_ONE,
                                      '--work-dir', str(tmp_path / 'notes' / 'x')])
    assert all_stages.command() == 2
    said = capsys.readouterr()
    assert f'{tmp_path / "notes"} is a file and no folder' in said.err
    assert 'damaged' not in said.out + said.err


@pytest.mark.parametrize('where, call', [
    ('on the PATH', 'ssfer predict'), ('beside Python', 'env/bin/ssfer predict'),
    ('not at all', 'env/bin/python -m ssfer_cli predict')])
def test_the_last_lines_name_a_program_that_is_there(tmp_path, monkeypatch, where, call):
    folder = tmp_path / 'env' / 'bin'
    folder.mkdir(parents=True)
    if where == 'beside Python':
        (folder / 'ssfer').touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'executable', str(folder / 'python'))
    found = '/usr/bin/ssfer' if where == 'on the PATH' else None
    monkeypatch.setattr(all_stages.shutil, 'which', lambda name: found)
    own, shipped = all_stages.how_to_use(tmp_path / 'classifier.pth').splitlines()
    assert own.startswith(f'Your photos: {call} PHOTO --model ') and 'trained here' in own
    assert f'or: {call} PHOTO   (model ' in shipped


@pytest.mark.parametrize('stages, last', [
    (['supervised', 'semi'], 'semi'), (['supervised'], 'supervised'), (['semi'], 'semi')])
def test_the_recognizer_is_that_of_the_last_stage_there_is(tmp_path, monkeypatch, capsys, stages,
                                                           last):
    program = tmp_path / 'train.py'
    program.write_text(FAKE.replace('dict(supervised=stage)', f'dict.fromkeys({stages}, stage)'))
    monkeypatch.setattr(child_training, 'TRAIN', program)
    all_stages.main([SSFER, '--work-dir', str(tmp_path / 'run'), '--cfg-options',
                     *(f'train_cfg.{name}=None' for name in {'supervised', 'semi'} - {*stages}),
                     'model.pretrained=None'])
    said, trained = capsys.readouterr().out, tmp_path / 'run' / 'ssfer' / f'classifier_{last}.pth'
    assert f'Recognizer: {trained}\n' in said and f'--model {trained} ' in said


def test_a_stopped_command_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def stopped(*arguments, title):
        raise KeyboardInterrupt

    monkeypatch.setattr(all_stages, 'train', stopped)
    work_dir = str(tmp_path / 'my run')
    monkeypatch.setattr(sys, 'argv', ['tools/run_ssfer.py', SSFER, '--pretrain', STAGE_ONE,
                                      '--work-dir', work_dir])
    assert all_stages.command() == 130
    assert capsys.readouterr().err == (
        '\nInterrupted. What is done is kept. Go on with: python tools/run_ssfer.py '
        f"{SSFER} --pretrain {STAGE_ONE} --work-dir '{work_dir}'\n")
