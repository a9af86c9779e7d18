"""Training and testing from a command line, and what is said when that cannot be."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from ssfer_mm.apis.training import launch
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.tiny_config import write_tiny_config


@pytest.fixture()
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_tiny_config(tmp_path)


def test_train_resume_and_test(config, monkeypatch):
    runner = launch.train_main([str(config)])
    work_dir = Path('work_dirs/tiny')
    assert (work_dir / 'epoch_1.pth').is_file() and runner.iter == 4

    more = ['--cfg-options', 'train_cfg.max_epochs=2']
    runner = launch.train_main([str(config), '--resume', *more])
    assert (runner.epoch, runner.iter) == (2, 8), 'one more epoch, not two'

    arguments = [str(config), str(work_dir / 'epoch_2.pth'), '--work-dir', 'evaluation']
    monkeypatch.setenv('RANK', '1')  # of a pod; without --launcher this process is the only one
    metrics = launch.test_main([*arguments, '--out', 'results/metrics.json'])
    assert json.loads(Path('results/metrics.json').read_text()) == metrics
    model = runner.model.eval()
    data = list(runner.build_dataloader(runner.cfg.test_dataloader))
    right = [s.pred_label.item() == s.gt_label.item() for d in data for s in model.test_step(d)]
    assert metrics['accuracy/top1'] == pytest.approx(100 * np.mean(right))


def test_metrics_that_are_no_numbers_are_written_too(config):
    """mmpretrain's ConfusionMatrix gives a tensor."""
    torch.save(dict(state_dict=plain_weights(config)), 'plain.pth')
    with config.open('a') as file:
        file.write("test_evaluator = [test_evaluator, dict(type='ConfusionMatrix')]")
    metrics = launch.test_main([str(config), 'plain.pth', '--out', 'm.json'])
    matrix = metrics.pop('confusion_matrix/result').tolist()
    assert sum(map(sum, matrix)) == 8
    written = json.loads(Path('m.json').read_text())
    assert written == {'confusion_matrix/result': matrix, **metrics}


def test_a_batch_larger_than_the_data_is_one_line(config):
    big = {'train_dataloader.batch_size': 9}
    assert launch.train(load_config(config, big)).iter == 1, 'it is not left out'
    cfg = load_config(config, {**big, 'train_dataloader.drop_last': True})
    cfg.work_dir = 'other'
    with pytest.raises(UserError, match='a batch wants 9 images, but the data have only 8: lower '
                                        'train_dataloader.batch_size .*--pretrain-options'):
        launch.train(cfg)


def test_every_default_hook_can_be_turned_off(config):
    off = ('exact_resume', 'global_log', 'log_history', 'numerics', 'unreadable', 'timer')
    cfg = load_config(config, {f'default_hooks.{name}': None for name in off})
    cfg.default_hooks.mine = dict(type='mmpretrain.GlobalLogHook')
    runner = launch.build_runner(cfg)
    types = [type(hook).__name__ for hook in runner.hooks]
    assert 'GlobalLogHook' in types and 'NumericsHook' not in types
    assert 'IterTimerHook' not in types, 'mmengine would have registered it'


def test_who_waits_for_the_begin_is_told_when_all_is_built(config):
    told = []

    def began():
        told.extend(path.name for path in Path('work_dirs/tiny').iterdir())

    launch.train(load_config(config), began=began)
    assert {'.running', 'tiny.py'} <= set(told) and 'epoch_1.pth' not in told


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


def test_weights_that_were_wrapped_twice_are_tested_and_not_random_ones(config):
    weights = {f'module._orig_mod.module.{name}': value
               for name, value in plain_weights(config).items()}
    torch.save(dict(state_dict=weights), 'wrapped.pth')
    torch.save(dict(state_dict=plain_weights(config)), 'plain.pth')
    tested = []
    for name in ('plain.pth', 'wrapped.pth'):
        torch.manual_seed(len(tested))
        tested.append(launch.test(ssfer_config(config), name))
    assert tested[0] == tested[1]


def test_a_test_leaves_the_config_of_the_training_where_it_was(config):
    launch.train_main([str(config)])
    trained = Path('work_dirs/tiny/tiny.py')
    before = trained.read_text()
    launch.test_main([str(config), 'work_dirs/tiny/epoch_1.pth', '--tta'])
    assert trained.read_text() == before
    assert 'epoch_1.pth' in Path('work_dirs/tiny/tiny_test.py').read_text()
    text = ''.join(log.read_text() for log in Path('work_dirs/tiny').glob('*/*.log'))
    assert 'already holds a run' not in text, 'it is the same experiment'


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


def test_compile_adds_its_hook_to_those_of_the_config(config, monkeypatch):
    monkeypatch.setattr(launch, 'train', lambda cfg, redo: cfg)
    plain, compiled = (launch.train_main([str(config), *more]) for more in ([], ['--compile']))
    assert compiled.custom_hooks == [*(plain.get('custom_hooks') or []),
                                     dict(type='mmpretrain.CompileHook')]


def test_bad_out_name_is_refused_before_anything_runs(config):
    with pytest.raises(UserError, match='.json'):
        launch.test_main([str(config), 'absent.pth', '--out', 'metrics.txt'])
