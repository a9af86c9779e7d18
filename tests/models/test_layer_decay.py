"""Layer-wise learning rates: mmpretrain's constructor finds the student's layers."""
import pytest
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import MODELS

from ssfer_mm import UserError
from support.models import resnet, ssfer, vit

WRAPPER = dict(optimizer=dict(type='AdamW', lr=1.0, weight_decay=0.05),
               constructor='LearningRateDecayOptimWrapperConstructor',
               paramwise_cfg=dict(layer_decay_rate=0.5))


def learning_rates(model):
    """{name of the weight: learning rate}"""
    built = build_optim_wrapper(model, dict(WRAPPER))
    names = {id(p): name for name, p in model.named_parameters()}
    return {names[id(p)]: group['lr']
            for group in built.optimizer.param_groups for p in group['params']}


def test_every_layer_of_the_student_learns_half_as_fast_as_the_next_one():
    model = MODELS.build(ssfer(vit()))  # two layers: stem 0, layers 1 and 2, head 3
    rates = learning_rates(model)
    assert set(rates) == {name for name, p in model.named_parameters() if p.requires_grad}
    assert all(name.startswith('student.') for name in rates)
    expected = {'backbone.cls_token': 1 / 8, 'backbone.patch_embed.': 1 / 8,
                'backbone.layers.0.': 1 / 4, 'backbone.layers.1.': 1 / 2, 'backbone.ln1.': 1,
                'head.': 1}
    for begin, rate in expected.items():
        found = {lr for name, lr in rates.items() if name.startswith(f'student.{begin}')}
        assert found == {rate}, begin


def test_it_is_what_the_plain_classifier_gets():
    plain = learning_rates(MODELS.build(vit()))
    ours = learning_rates(MODELS.build(ssfer(vit())))
    assert ours == {f'student.{name}': rate for name, rate in plain.items() if name != 'head'}


def test_a_backbone_that_does_not_know_its_depths():
    with pytest.raises(UserError, match='ResNet does not tell the depths'):
        learning_rates(MODELS.build(ssfer(resnet())))
