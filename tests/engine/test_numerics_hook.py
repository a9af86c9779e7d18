"""A bad number ends the run before anything is saved, and what caused it can be repeated."""
import importlib
import json
import math
import re
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS, MODELS, OPTIM_WRAPPERS

from ssfer_mm.apis.trials.replay_batch import main as replay_main
from ssfer_mm.engine import NumericsHook, load_failed_batch
from ssfer_mm.errors import UserError
from ssfer_mm.safe_loading import load_checkpoint_safely
from support.models import MEAN, STD, mae
from support.runs import config, train

II_ITERATION, III_ITERATION = 2, 9


@HOOKS.register_module()
class Spoil(Hook):
    """At one iteration: an infinite weight, or a gradient that is NaN."""

    def __init__(self, at, what):
        self.at, self.what = at, what

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter != self.at:
            return
        weight = next(p for name, p in runner.model.named_parameters() if 'layers.1.ffn' in name
                      and p.requires_grad)
        self.before = {k: v.clone() for k, v in runner.model.state_dict().items()}
        self.ids = [sample.sample_id for part in data_batch['data_samples'].values()
                    for sample in part] if isinstance(data_batch['data_samples'], dict) else []
        if self.what == 'loss':
            with torch.no_grad():
                weight.view(-1)[0] = math.inf
        else:
            weight.register_hook(lambda grad: grad * math.nan)


def spoilt(work_dir, at, what, **options):
    """The error, and the hook that spoilt the run."""
    hooks = [dict(type='Spoil', at=at, what=what)]
    cfg = config(work_dir, facemix=dict(type='FaceMix'), hooks=hooks, **options)
    cfg.default_hooks.update(exact_resume=dict(type='ExactResumeHook'),
                             numerics=dict(type='NumericsHook'),
                             checkpoint=dict(type='SafeCheckpointHook', by_epoch=False))
    runner = Runner.from_cfg(cfg)
    with pytest.raises(UserError) as caught:
        runner.train()
    return str(caught.value), next(h for h in runner.hooks if isinstance(h, Spoil))


@pytest.mark.parametrize('at, what', [
    (II_ITERATION, 'loss'), (II_ITERATION, 'gradient'),
    (III_ITERATION, 'loss'), (III_ITERATION, 'gradient')])
def test_stages_ii_and_iii_stop_with_the_ids_and_can_be_repeated(tmp_path, capsys, at, what):
    message, spoil = spoilt(tmp_path, at, what)
    assert '\n' not in message and f'iteration {at + 1}:' in message
    assert ('loss nan' in message) == (what == 'loss')
    own = 'train_cfg.semi.' if at == III_ITERATION else ''
    assert f'limit the gradients ({own}optim_wrapper.clip_grad.max_norm=1.0)' in message
    assert f'with the images {", ".join(spoil.ids[:4])}' in message
    newest = json.loads((tmp_path / 'checkpoints.json').read_text())['checkpoints'][-1]
    assert newest['file'] == f'iter_{at}.pth', 'what the bad step made is not saved'

    path = re.search(r'replay_batch.py ([^"]+)', message)[1]
    failed = load_failed_batch(path)
    assert failed['ids'] == spoil.ids and failed['iteration'] == at
    assert not math.isfinite(failed['grad_norm'])
    if what == 'gradient':
        kept = load_checkpoint_safely(failed['weights'])['state_dict']
        assert all(torch.equal(kept[name], value) for name, value in spoil.before.items())
    replay_main([path])
    said = capsys.readouterr().out
    if what == 'loss':
        assert 'first output that is not finite: student.backbone.layers.1.ffn' in said
    else:
        # The spoiling was no part of batch and weights, all else is repeated to the last digit.
        assert 'first output that is not finite: none' in said and '0 of' in said
        assert f'replayed: loss {failed["losses"]["loss"]:.6g},' in said


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'BFloat16OptimWrapper'])
def test_a_batch_is_repeated_with_the_classes_and_the_precision_of_the_run(
        tmp_path, capsys, wrapper):
    cfg = config(tmp_path)
    model = dict(cfg.model, logit_adjustment=dict(type='LogitAdjustment'))
    cfg.optim_wrapper.type = wrapper
    message, _ = spoilt(tmp_path, II_ITERATION, 'gradient', model=model,
                        optim_wrapper=cfg.optim_wrapper)
    path = re.search(r'replay_batch.py ([^"]+)', message)[1]
    failed = load_failed_batch(path)
    assert failed['class_counts'] == [4, 4, 4]
    replay_main([path])
    assert f'replayed: loss {failed["losses"]["loss"]:.6g}' in capsys.readouterr().out


RULE = '''
from mmpretrain.registry import MODELS
from ssfer_mm.models import ConfidenceThreshold

@MODELS.register_module()
class ForeignThreshold(ConfidenceThreshold):
    pass
'''


def test_parts_of_ones_own_are_run_only_with_a_config_that_is_named(
        tmp_path, capsys, monkeypatch, request):
    def forget():
        sys.modules.pop('foreign_rule', None)
        MODELS.module_dict.pop('ForeignThreshold', None)

    request.addfinalizer(forget)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'foreign_rule.py').write_text(RULE)
    importlib.import_module('foreign_rule')
    model = dict(config(tmp_path).model, pseudo_label=dict(type='ForeignThreshold'))
    message, _ = spoilt(tmp_path / 'run', III_ITERATION, 'gradient', model=model,
                        custom_imports=dict(imports=['foreign_rule']))
    path, copy = re.search(r'replay_batch.py ([^"]+) --config ([^"]+)"', message).groups()
    refusal = f"'ForeignThreshold'.*name its config with --config {re.escape(copy)}$"
    with pytest.raises(UserError, match=refusal):
        replay_main([path])
    forget()
    with pytest.raises(UserError, match=refusal):
        replay_main([path])
    assert 'foreign_rule' not in sys.modules
    replay_main([path, '--config', copy])
    loss = load_failed_batch(path)['losses']['loss']
    assert f'replayed: loss {loss:.6g},' in capsys.readouterr().out


def test_the_step_of_several_added_batches_names_all_their_images(tmp_path):
    wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3), accumulative_counts=3)
    message, spoil = spoilt(tmp_path, 1, 'gradient', optim_wrapper=wrapper)
    failed = load_failed_batch(re.search(r'replay_batch.py ([^"]+)', message)[1])
    assert failed['iteration'] == 2 and len(failed['batches']) == 3 and len(failed['ids']) == 12
    assert failed['ids'][4:8] == spoil.ids


def test_the_norm_is_that_of_clipping_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.utils, 'get_total_norm', None)
    wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3), clip_grad=dict(max_norm=1.0))
    message, _ = spoilt(tmp_path, II_ITERATION, 'gradient', optim_wrapper=wrapper)
    assert f'iteration {II_ITERATION + 1}:' in message


def test_another_model_on_a_stock_data_set(tmp_path):
    """Stage I's model, a batch of another form, no ExactResumeHook."""
    noise = torch.Generator().manual_seed(0)
    data = [dict(inputs=torch.randint(0, 256, (3, 16, 16), generator=noise, dtype=torch.uint8),
                 data_samples=sample(f'{k}.jpg')) for k in range(8)]
    model = dict(mae(), data_preprocessor=dict(
        type='SelfSupDataPreprocessor', mean=MEAN, std=STD, to_rgb=True))
    cfg = config(tmp_path)
    runner = Runner(
        model=model, work_dir=str(tmp_path), default_scope='mmpretrain',
        train_dataloader=dict(dataset=data, batch_size=4, sampler=dict(type='DefaultSampler'),
                              collate_fn=dict(type='default_collate')),
        train_cfg=dict(by_epoch=True, max_epochs=2), experiment_name=f'stock{tmp_path.name}',
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-3)), randomness=dict(seed=0),
        default_hooks=dict(numerics=dict(type='NumericsHook')),
        custom_hooks=[dict(type='Spoil', at=1, what='loss')], cfg=cfg)
    with pytest.raises(UserError, match=r'iteration 2: .*the images \d\.jpg'):
        runner.train()
    failed = load_failed_batch(tmp_path / 'nonfinite_iter_2_rank0.pth')
    assert failed['rng'][0]['numpy'][0] == 'MT19937' and len(failed['ids']) == 4


def sample(path):
    from mmpretrain.structures import DataSample

    return DataSample(metainfo=dict(img_path=path))


def test_a_healthy_run_is_not_changed_by_being_watched(tmp_path):
    ends = []
    for name, hooks in (('with', dict(numerics=dict(type='NumericsHook'))), ('without', {})):
        cfg = config(tmp_path / name)
        cfg.default_hooks.update(hooks)
        cfg.train_cfg.supervised.epochs = cfg.train_cfg.semi.epochs = 1
        ends.append(train(cfg).model.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_a_file_that_is_no_batch_is_refused(tmp_path):
    torch.save(dict(format='ssfer_mm failed batch 1', batches=[]), tmp_path / 'x.pth')
    torch.save(dict(state_dict={}), tmp_path / 'y.pth')
    for name in ('x.pth', 'y.pth'):
        with pytest.raises(UserError, match=f'{name} holds no batch'):
            load_failed_batch(tmp_path / name)


# ---- mixed precision ------------------------------------------------------------------------


@OPTIM_WRAPPERS.register_module()
class CpuScaler(AmpOptimWrapper):
    """The scaler's part of mixed precision, which mmengine allows on a GPU only."""

    def __init__(self, optimizer, init_scale=2.**16, **options):
        OptimWrapper.__init__(self, optimizer, **options)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=init_scale)
        self._scale_update_param, self.cast_dtype = None, torch.float32

    def optim_context(self, model):
        return OptimWrapper.optim_context(self, model)


@HOOKS.register_module()
class Overflow(Hook):
    """Gradients overflow in some iterations; notes what each of them moved."""

    def __init__(self, at):
        self.at, self.moved, self.steps = at, [], []

    def before_train(self, runner):
        for weight in runner.model.student.parameters():
            weight.register_hook(lambda g: g * math.inf if runner.iter in self.at else g)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.before = {k: v.clone() for k, v in runner.model.state_dict().items()}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        now = runner.model.state_dict()
        self.moved.append({part for part in ('student', 'teacher') for name in now
                           if name.startswith(part) and not torch.equal(now[name],
                                                                        self.before[name])})
        self.steps.append(int(runner.model.ema_steps))


def run_with_overflows(work_dir, at, fused, max_skips=40):
    wrapper = dict(type='CpuScaler', optimizer=dict(type='AdamW', lr=1e-3, fused=fused))
    cfg = config(work_dir, hooks=[dict(type='Overflow', at=at)], optim_wrapper=wrapper)
    cfg.train_cfg.semi.optim_wrapper = wrapper
    cfg.train_cfg.supervised.epochs = cfg.train_cfg.semi.epochs = 1
    cfg.default_hooks.numerics = dict(type='NumericsHook', max_skips=max_skips)
    runner = train(cfg)
    return runner, next(h for h in runner.hooks if isinstance(h, Overflow))


@pytest.mark.parametrize('fused', [False, True])
def test_overflows_are_left_out_and_counted_and_move_nobody(tmp_path, fused):
    at = [1, 2, 5, 7]  # in both stages
    runner, overflow = run_with_overflows(tmp_path, at, fused)
    expected = [set() if k in at else {'student', 'teacher'} for k in range(runner.iter)]
    assert overflow.moved == expected
    assert overflow.steps[-1] == runner.iter - len(at)
    assert runner.message_hub.get_info('skipped_steps') == len(at)
    lines = [json.loads(line) for log in tmp_path.glob('*/vis_data/scalars.json')
             for line in log.read_text().splitlines()]
    assert [line['skipped_steps'] for line in lines if 'loss' in line][:6] == [0, 1, 2, 2, 2, 3]


def test_overflows_for_ever_end_the_run(tmp_path):
    with pytest.raises(UserError, match='iteration 9: mixed precision left out 5 steps in a row'):
        run_with_overflows(tmp_path, at=[1, 2, *range(4, 99)], fused=True, max_skips=5)


@HOOKS.register_module()
class SpoilLoss(Hook):
    """The losses of one iteration, times something or plus something."""

    def __init__(self, at, factor=1., addend=0.):
        self.at, self.factor, self.addend = at, factor, addend

    def before_train(self, runner):
        def spoil(model, inputs, losses):
            return {name: value * self.factor + self.addend if runner.iter == self.at else value
                    for name, value in losses.items()}

        runner.model.register_forward_hook(spoil)


def test_a_batch_whose_gradients_are_added_to_is_left_to_the_scaler(tmp_path):
    wrapper = dict(type='CpuScaler', optimizer=dict(type='AdamW', lr=1e-3),
                   accumulative_counts=2)
    cfg = config(tmp_path, hooks=[dict(type='SpoilLoss', at=0, factor=math.inf)],
                 optim_wrapper=wrapper)
    cfg.train_cfg.supervised.epochs, cfg.train_cfg.semi = 1, None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.numerics = dict(type='NumericsHook')
    assert train(cfg).message_hub.get_info('skipped_steps') == 1


def test_weights_that_a_step_has_changed_are_not_kept_as_those_before_it(tmp_path):
    """The loss is infinite, but not its gradients, so the step was taken."""
    cfg = config(tmp_path, hooks=[dict(type='SpoilLoss', at=1, addend=math.inf)])
    cfg.default_hooks.numerics = dict(type='NumericsHook')
    with pytest.raises(UserError, match='iteration 2: .*loss inf'):
        train(cfg)
    failed = load_failed_batch(tmp_path / 'nonfinite_iter_2_rank0.pth')
    assert failed['weights'] is None and math.isfinite(failed['grad_norm'])


def test_steps_that_were_left_out_are_told_after_each_epoch():
    lines = []
    runner = SimpleNamespace(message_hub=MessageHub('left out'),
                             logger=SimpleNamespace(info=lines.append))
    for total in (0, 3):
        runner.message_hub.update_info('skipped_steps', total)
        NumericsHook().after_train_epoch(runner)
    assert len(lines) == 1 and 'left out 3 steps so far' in lines[0]


def test_a_number_of_skips_that_makes_no_sense():
    with pytest.raises(UserError, match='max_skips must be a whole number >= 1'):
        NumericsHook(max_skips=0)
