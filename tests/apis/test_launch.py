"""Configs, command lines, and the line a user reads when something is wrong."""
import errno
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import DATASETS, MODELS
from PIL import Image

from ssfer_mm import cli
from ssfer_mm.apis import launch
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError

CONFIG = '''
default_scope = 'mmpretrain'
custom_imports = dict(imports=['ssfer_mm'], allow_failed_imports=False)
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(mean=[127.] * 3, std=[64.] * 3, num_classes=2),
    backbone=dict(type='VisionTransformer', img_size=8, patch_size=4, out_type='cls_token',
                  arch=dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8)),
    head=dict(type='LinearClsHead', in_channels=8, num_classes=2))
pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CustomDataset', data_prefix=r'{faces}', pipeline=pipeline))
test_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CustomDataset', data_prefix=r'{faces}', pipeline=pipeline))
test_evaluator = dict(type='Accuracy', topk=1)
test_cfg = dict()
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
default_hooks = dict(logger=dict(type='LoggerHook', interval=1))
randomness = dict(seed=0)
'''


@pytest.fixture()
def config(tmp_path, monkeypatch):
    """A config of a tiny ViT on eight images, in the current folder."""
    for index in range(8):
        folder = tmp_path / 'faces' / ('joy' if index % 2 else 'fear')
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.full((8, 8, 3), 30 * index, np.uint8)
        Image.fromarray(pixels).save(folder / f'{index}.png')
    path = tmp_path / 'configs' / 'tiny.py'
    path.parent.mkdir()
    path.write_text(CONFIG.replace('{faces}', str(tmp_path / 'faces')))
    monkeypatch.chdir(tmp_path)
    return path


# ---------------------------------------------------------------------------------------- configs


def test_config_not_found_lists_the_closest(config):
    with pytest.raises(UserError, match=r'configs/tinny\.py not found\. Closest: configs/tiny\.py'):
        load_config('configs/tinny.py')
    with pytest.raises(UserError, match='is a folder'):
        load_config('configs')


@pytest.mark.parametrize('text, words', [
    ('a = 1\nb = (\n', ['line 2', "'(' was never closed"]),
    ('a = 1\n\nb = a + nothing\n', ['NameError', 'nothing', 'line 3']),
    ("_base_ = './tiny.py'\ntest_cfg = 1 / 0\n", ['ZeroDivisionError', 'line 2']),
    ("_base_ = './absent.py'\n", ['absent.py']),
    ("_base_ = './faulty.py'\n", ['NameError', 'line 2 of', 'faulty.py']),
], ids=['syntax', 'name', 'above a base', 'no such base', 'in a base'])
def test_error_in_a_config_names_its_line(config, text, words):
    config.with_name('faulty.py').write_text('a = 1\nb = nothing\n')
    broken = config.with_name('broken.py')
    broken.write_text(text)
    with pytest.raises(UserError) as caught:
        load_config(broken)
    message = str(caught.value)
    assert all(word in message for word in [*words, 'broken.py']), message
    assert '\n' not in message


@pytest.mark.parametrize('option, advice', [
    ('modle.head.num_classes', 'closest: model'),
    ('model.bakbone.drop_rate', 'closest: model.backbone'),
    ('optim_wrapper.optimizer.lrr', 'closest: optim_wrapper.optimizer.lr'),
    ('pipeline.2.type', 'pipeline is a list of 2'),
    ('pipeline.first.type', 'pipeline is a list of 2'),
    ('randomness.seed.value', 'has no setting'),
])
def test_option_that_leads_nowhere(config, option, advice):
    with pytest.raises(UserError, match=advice):
        load_config(config, {option: 1})


@pytest.mark.parametrize('option, value', [
    ('optim_wrapper.optimizer.lr', 1e-4),  # there already
    ('optim_wrapper.optimizer.weight_decay', 0.05),  # a default of the optimizer
    ('pipeline.0.type', 'LoadFace'),  # an item of a list
    ('auto_scale_lr.base_batch_size', 64),  # known to the runner, absent here
    ('optim_wrapper.paramwise_cfg.layer_decay_rate', 0.65),  # taken by the builder
])
def test_option_is_merged(config, option, value):
    node = load_config(config, {option: value})
    for key in option.split('.'):
        node = node[int(key)] if key.isdigit() else node[key]
    assert node == value


def test_an_argument_that_the_config_leaves_out_is_no_misspelling():
    """pseudo_labels_from looks like pseudo_label, which is there; but SSFER takes both."""
    name = 'configs/ssfer/synthfer_5pct_vit-micro.py'
    cfg = load_config(name, {'model.pseudo_labels_from': 'student'})
    assert cfg.model.pseudo_labels_from == 'student'
    with pytest.raises(UserError, match='closest: model.pseudo_label'):
        load_config(name, {'model.pseudo_labels_form': 'student'})


def test_a_component_replaced_by_one_that_holds_another():
    cfg = load_config('configs/ssfer/synthfer_5pct_vit-micro.py', {
        'model.pseudo_label._delete_': True, 'model.pseudo_label.type': 'DistributionAlignment',
        'model.pseudo_label.rule.type': 'FreeMatchThreshold', 'model.pseudo_label.strength': 0.5})
    assert cfg.model.pseudo_label == dict(
        type='DistributionAlignment', strength=0.5, rule=dict(type='FreeMatchThreshold'))


# ----------------------------------------------------------------------------------- user messages


def wrapped_by_mmengine_0_10_7(error):
    """What its Registry.build makes of an error in a constructor, two levels deep."""
    for name in ('Inner', 'Outer'):
        try:
            raise error
        except UserError as caught:
            error = type(caught)(f'class `{name}` in ssfer_mm/datasets/{name.lower()}.py: {caught}')
    return error


def test_user_error_is_dug_out_of_the_registry():
    assert cli.user_message(wrapped_by_mmengine_0_10_7(UserError('no faces'))) == 'no faces'
    assert cli.user_message(UserError('no\n  faces')) == 'no faces'


class Unreadable(torch.utils.data.Dataset):

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise UserError('image a.png cannot be read')


def test_user_error_is_dug_out_of_a_loader_worker():
    loader = torch.utils.data.DataLoader(Unreadable(), num_workers=1)
    with pytest.raises(UserError) as caught:
        next(iter(loader))
    assert 'Traceback' in str(caught.value)
    assert cli.user_message(caught.value) == 'image a.png cannot be read'


@pytest.mark.parametrize('registry, name, closest', [
    (MODELS, 'VisionTransfomer', 'VisionTransformer'),
    (DATASETS, 'CustomDatasett', 'CustomDataset'),
])
def test_unknown_type_names_the_closest(registry, name, closest):
    with pytest.raises(KeyError) as caught:
        registry.build(dict(type=name))
    message = cli.user_message(caught.value)
    assert f"'{name}' is not in the mmpretrain::" in message and f'closest: {closest}' in message
    assert '\n' not in message


def test_other_errors_keep_their_traceback(monkeypatch):
    assert cli.user_message(KeyError('epoch')) is None

    def bug():
        raise KeyError('epoch')

    def mistake():
        raise UserError('no faces')

    with pytest.raises(KeyError):
        cli.run_cli(bug)
    monkeypatch.setenv('SSFER_DEBUG', '1')
    with pytest.raises(UserError):
        cli.run_cli(mistake)


def test_a_full_disk_is_no_traceback(capsys):
    """Checkpoints say more; logs, reports and caches may be what the disk takes no more of."""
    def full():
        raise OSError(errno.ENOSPC, 'No space left on device', 'scalars.json')

    assert cli.run_cli(full) == 2
    said = capsys.readouterr().err
    assert said.startswith('error: scalars.json cannot') and 'No space left' in said
    assert '--resume' in said and said.count('\n') == 1
    assert cli.user_message(OSError(errno.EIO, 'Input/output error')) is None


def test_run_cli_reports_in_one_line(capsys):

    def mistake():
        raise wrapped_by_mmengine_0_10_7(UserError('no faces'))

    assert cli.run_cli(lambda: 'result') == 0 and cli.run_cli(lambda: 1) == 1
    assert capsys.readouterr().err == ''
    assert cli.run_cli(mistake) == 2
    assert capsys.readouterr().err == 'error: no faces\n'


def test_interrupt_tells_how_to_resume(capsys, monkeypatch):

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'my config.py', '--amp'])
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    monkeypatch.delenv('RANK', raising=False)
    assert cli.run_cli(interrupted, resumable=True) == 130
    assert "python tools/train.py 'my config.py' --amp --resume" in capsys.readouterr().err
    assert cli.run_cli(interrupted) == 130
    assert '--resume' not in capsys.readouterr().err


@pytest.mark.parametrize('before, kept', [
    (['c.py', '--resume'], ['c.py']), (['c.py', '--resume', 'a/iter_1.pth', '--amp'], ['c.py',
                                                                                     '--amp']),
    (['--resume=a/iter_1.pth', 'c.py'], ['c.py']), (['c.py', '--res', 'a.pth'], ['c.py']),
    (['c.py', '--resume', '--cfg-options', 'a=1'], ['c.py', '--cfg-options', 'a=1'])])
def test_after_an_interrupt_the_run_goes_on_from_where_it_is(capsys, monkeypatch, before, kept):

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', ['tools/train.py', *before])
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    monkeypatch.delenv('RANK', raising=False)
    assert cli.run_cli(interrupted, resumable=True) == 130
    command = ' '.join(['python tools/train.py', *kept, '--resume'])
    assert capsys.readouterr().err.endswith(f' with: {command}\n')


def test_a_name_that_is_not_utf8_can_be_printed(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding='utf-8', errors='strict')
    monkeypatch.setattr(sys, 'stdout', stream)
    assert cli.run_cli(lambda: print(os.fsdecode(b'caf\xe9.jpg'), 'caf\u00e9')) == 0
    stream.flush()
    assert stream.buffer.getvalue().decode() == '\\udce9.jpg'.join(['caf', ' caf\u00e9\n'])


# -------------------------------------------------------------------------------- train and test


def test_train_resume_and_test(config):
    runner = launch.train_main([str(config)])
    work_dir = Path('work_dirs/tiny')
    assert (work_dir / 'epoch_1.pth').is_file() and runner.iter == 4

    more = ['--cfg-options', 'train_cfg.max_epochs=2']
    runner = launch.train_main([str(config), '--resume', *more])
    assert (runner.epoch, runner.iter) == (2, 8), 'one more epoch, not two'

    arguments = [str(config), str(work_dir / 'epoch_2.pth'), '--work-dir', 'evaluation']
    metrics = launch.test_main([*arguments, '--out', 'results/metrics.json'])
    assert json.loads(Path('results/metrics.json').read_text()) == metrics
    model = runner.model.eval()
    data = list(runner.build_dataloader(runner.cfg.test_dataloader))
    right = [s.pred_label.item() == s.gt_label.item() for d in data for s in model.test_step(d)]
    assert metrics['accuracy/top1'] == pytest.approx(100 * np.mean(right))


def test_another_config_in_the_same_work_dir_is_mentioned(config):

    def start(name, **options):
        cfg = launch.load_config(config, options)
        cfg.work_dir, cfg.experiment_name = 'work_dirs/tiny', name
        launch.build_runner(cfg)
        text = ''.join(log.read_text() for log in Path('work_dirs/tiny').glob('*/*.log'))
        return [line for line in text.splitlines() if 'already holds a run' in line]

    assert start('first') == []
    assert start('corrected', **{'optim_wrapper.optimizer.lr': 1e-5}) == [], 'nothing was trained'
    assert start('back') == []
    (next(Path('work_dirs/tiny').glob('*/vis_data')) / 'scalars.json').write_text('{"loss": 1}')
    assert start('again', resume=True) == []
    (mentioned,) = start('other', **{'optim_wrapper.optimizer.lr': 1e-4})
    assert '(differs in: optim_wrapper)' in mentioned


def ssfer_config(config):
    """The tiny config with its classifier inside an SSFER model, as training configs have it."""
    cfg = load_config(config)
    plain = cfg.model.to_dict()
    preprocessor = dict(plain.pop('data_preprocessor'), type='SSFERDataPreprocessor')
    cfg._cfg_dict['model'] = Config(dict(model=dict(
        type='SSFER', classifier=plain, data_preprocessor=preprocessor))).model
    cfg.work_dir = 'evaluation'
    return cfg


def plain_weights(config):
    torch.manual_seed(0)
    cfg = load_config(config)
    return MODELS.build(cfg.model).state_dict()


def test_plain_classifier_is_tested_with_the_training_config(config):
    weights = plain_weights(config)
    torch.save(dict(state_dict=weights), 'plain.pth')
    expected = load_config(config)
    expected.work_dir = 'evaluation'
    want = launch.test(expected, 'plain.pth')
    assert launch.test(ssfer_config(config), 'plain.pth') == want


def test_training_checkpoint_keeps_the_training_model(config):
    cfg = ssfer_config(config)
    launch.use_model_of(cfg, {'student.backbone.x': 0, 'teacher.head.x': 0}, 'epoch_1.pth')
    assert cfg.model.type == 'SSFER'


@pytest.mark.parametrize('change, words', [
    (lambda w: {k: v for k, v in w.items() if not k.startswith('head')}, 'expected student'),
    (lambda w: {**w, 'neck.mask_token': torch.zeros(1)}, 'expected student'),
    (lambda w: {**w, 'head.fc.weight': torch.zeros(7, 8)}, r'is \(7, 8\), not \(2, 8\)'),
    (lambda w: {k: v for k, v in w.items() if k != 'backbone.cls_token'}, 'cls_token is missing'),
    (lambda w: dict(epoch=3), 'holds no weights'),
], ids=['no head', 'pre-training', 'other classes', 'incomplete', 'no weights'])
def test_checkpoint_of_another_model_is_refused(config, change, words):
    torch.save(dict(state_dict=change(plain_weights(config))), 'other.pth')
    with pytest.raises(UserError, match=words):
        launch.test(ssfer_config(config), 'other.pth')


@pytest.mark.parametrize('arguments, words', [
    (['--resume', 'absent.pth'], 'absent.pth: no such file'),
    (['--auto-scale-lr'], 'auto_scale_lr.base_batch_size'),
    (['--launcher', 'pytorch'], 'RANK is not set'),
])
def test_bad_train_arguments(config, monkeypatch, arguments, words):
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    with pytest.raises(UserError, match=words):
        launch.train_main([str(config), *arguments])


@pytest.mark.skipif(torch.cuda.is_available(), reason='--amp works here')
def test_amp_without_a_gpu(config, monkeypatch):
    monkeypatch.setattr(launch, 'has_bfloat16', lambda: False)
    with pytest.raises(UserError, match='no GPU found'):
        launch.train_main([str(config), '--amp'])
    monkeypatch.setattr(launch, 'has_bfloat16', lambda: True)
    runner = launch.train_main([str(config), '--amp'])
    assert runner.iter == 4 and runner.optim_wrapper.precision == 'bfloat16'


def test_compile_adds_its_hook_to_those_of_the_config(config, monkeypatch):
    monkeypatch.setattr(launch, 'train', lambda cfg: cfg)
    plain, compiled = (launch.train_main([str(config), *more]) for more in ([], ['--compile']))
    assert compiled.custom_hooks == [*(plain.get('custom_hooks') or []),
                                     dict(type='mmpretrain.CompileHook')]


def test_amp_on_a_gpu_skips_overflowing_steps_whole(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = launch.load_config('configs/ssfer/ferplus_5pct_vit-micro.py')
    launch._set_amp(cfg)
    for wrapper in (cfg.optim_wrapper, cfg.train_cfg.semi.optim_wrapper):
        assert wrapper.type == 'AmpOptimWrapper' and wrapper.loss_scale == 'dynamic'
        assert 'fused' not in wrapper.optimizer
    cfg.optim_wrapper.type = cfg.train_cfg.semi.optim_wrapper.type = 'BFloat16OptimWrapper'
    launch._set_amp(cfg)
    assert cfg.optim_wrapper.type == 'BFloat16OptimWrapper', 'it is mixed precision already'


def test_sync_bn_does_not_undo_the_masked_norms_of_spark():
    cfg = load_config('configs/mae/spark_resnet-nano_faces-48px.py', {'sync_bn': 'torch'})
    with pytest.raises(UserError, match='remove sync_bn; each process then normalises') as caught:
        launch.build_runner(cfg)
    # enc_dec_norm_cfg, which it once named, is that of 4 of the 33 norms.
    assert 'SparseSyncBatchNorm2d' not in str(caught.value)


def test_sync_bn_of_processes_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = load_config('configs/ssfer/ferplus_5pct_resnet-nano.py', {'sync_bn': 'torch'})
    launch._check_sync_bn(cfg)  # alone a process has nothing to share
    cfg.launcher = 'pytorch'
    with pytest.raises(UserError, match='remove sync_bn'):
        launch.build_runner(cfg)


def test_bad_out_name_is_refused_before_anything_runs(config):
    with pytest.raises(UserError, match='.json'):
        launch.test_main([str(config), 'absent.pth', '--out', 'metrics.txt'])
