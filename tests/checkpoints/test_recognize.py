"""Whose weights they are; what is wrong with those that cannot be used."""
import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ssfer_mm import UserError
from ssfer_mm.checkpoints import in_mmpretrain_names, layout_of, weights_in
from ssfer_mm.checkpoints.architecture import heads_of
from ssfer_mm.checkpoints.config_text import read_config_text

ONE = {'weight': torch.zeros(1)}


@pytest.mark.parametrize('checkpoint', [
    ONE, {'model': ONE}, {'state_dict': ONE, 'meta': {}},
    {'model': {'module.weight': ONE['weight']}},
    {'model': ONE, 'optimizer': {'state': {}, 'param_groups': []}, 'epoch': 3},
])
def test_finds_the_weights(checkpoint):
    assert weights_in(checkpoint) == ONE


@pytest.mark.parametrize('wrap', [
    nn.DataParallel, torch.compile, AveragedModel, ExponentialMovingAverage,
    lambda model: torch.compile(nn.DataParallel(model)),
    lambda model: nn.DataParallel(torch.compile(model)),
    lambda model: AveragedModel(nn.DataParallel(torch.compile(model))),
    lambda model: nn.DataParallel(AveragedModel(torch.compile(model)))])
def test_all_wrappers_are_taken_off(wrap):
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    found = weights_in(dict(state_dict=wrap(model).state_dict()))
    assert list(found) and set(found) == set(model.state_dict())


def test_a_compiled_part_of_a_model_and_names_that_only_look_like_wrappers():
    model = nn.ModuleDict(dict(backbone=nn.Linear(1, 1), module=nn.Linear(1, 1)))
    names = set(model.state_dict())
    model.backbone = torch.compile(model.backbone)
    assert set(weights_in(model.state_dict())) == names
    kept = {'module.a': ONE['weight'], 'b': ONE['weight'], 'steps': ONE['weight'],
            'my_orig_mod.c': ONE['weight']}
    assert weights_in(kept) == kept


def test_two_sets_of_weights_ask_for_a_choice():
    checkpoint = {'model': ONE, 'model_ema': {'weight': torch.ones(1)}}
    with pytest.raises(UserError, match='model, model_ema.*--key'):
        weights_in(checkpoint)
    assert weights_in(checkpoint, 'model_ema')['weight'] == 1
    with pytest.raises(UserError, match='--key nothing'):
        weights_in(checkpoint, 'nothing')


@pytest.mark.parametrize('checkpoint', [{'epoch': 3}, {}, {'model': {'a': 'text'}}])
def test_no_weights(checkpoint):
    with pytest.raises(UserError, match='holds no weights'):
        weights_in(checkpoint)


def test_unknown_names():
    assert layout_of(ONE) == ''
    with pytest.raises(UserError, match='no known kind.*weight'):
        in_mmpretrain_names(ONE)


@pytest.mark.parametrize('extra', ['student.backbone.b', 'optimizer_steps'])
def test_student_and_teacher_must_mirror_each_other(extra):
    state = {'student.backbone.a': torch.zeros(1), 'teacher.backbone.a': torch.ones(1),
             'ema_steps': torch.tensor(5)}
    assert in_mmpretrain_names(state) == {'backbone.a': torch.ones(1)}
    with pytest.raises(UserError, match=extra):
        in_mmpretrain_names({**state, extra: torch.zeros(1)})


@pytest.mark.parametrize('extra', [
    'pseudo_label.average.value', 'pseudo_label.rule.bank', 'fairness.average.steps'])
def test_statistics_of_stage_three_are_no_weights_of_the_classifier(extra):
    state = {'student.backbone.a': torch.zeros(1), 'teacher.backbone.a': torch.ones(1),
             'ema_steps': torch.tensor(5), extra: torch.zeros(1)}
    assert in_mmpretrain_names(state) == {'backbone.a': torch.ones(1)}


@pytest.mark.parametrize('width, given, heads', [
    (192, None, 3), (384, None, 6), (768, None, 12), (1024, None, 16), (1280, None, 16),
    (128, 4, 4)])
def test_heads(width, given, heads):
    assert heads_of(width, given) == heads


@pytest.mark.parametrize('width, given', [(100, None), (192, 5), (64, -2)])
def test_impossible_heads(width, given):
    with pytest.raises(UserError, match='--num-heads'):
        heads_of(width, given)


def test_config_text_is_read_and_not_run():
    text = "a = dict(b=[1, -2.5], c=('x', None), d={'k': float('inf')})\ne = True\n"
    assert read_config_text(text, 'f') == dict(
        a=dict(b=[1, -2.5], c=('x', None), d=dict(k=float('inf'))), e=True)


@pytest.mark.parametrize('text', [
    '__import__("os").system("true")', 'a = open("/tmp/x", "w")', 'import os', 'a = b',
    'a = dict(**{})', 'a = [x for x in ()]', 'a = "x".upper()', 'a.b = 1', 'a = dict('])
def test_config_text_that_would_run(text):
    with pytest.raises(UserError, match='--config'):
        read_config_text(text, 'f.pth')
