"""A setting that a component does not take is the config's mistake; other TypeErrors are ours."""
import pytest
from mmengine.registry import Registry
from mmpretrain.registry import LOOPS, MODELS

from ssfer_mm.command_line.run import user_message

THINGS = Registry('thing')


@THINGS.register_module()
class Plain:

    def __init__(self, size, colour='red'):
        pass


@THINGS.register_module()
class Holder:

    def __init__(self, inner):
        self.inner = THINGS.build(inner)


@THINGS.register_module()
class Wrong:
    """Its own mistake, with an argument that stands in the config too."""

    def __init__(self, inner):
        Plain(1, inner=inner)


def message_of(registry, cfg):
    with pytest.raises(TypeError) as caught:
        registry.build(cfg)
    return user_message(caught.value)


@pytest.mark.parametrize('cfg, words', [
    (dict(type='Plain', size=1, color=2), "Plain has no setting 'color'; closest: colour."),
    (dict(type='Plain', size=1, xyz=2), "Plain has no setting 'xyz'; it takes size, colour."),
    (dict(type='Holder', inner=dict(type='Plain', siz=1)), "Plain has no setting 'siz'"),
])
def test_the_component_and_the_closest_setting_are_named(cfg, words):
    assert words in message_of(THINGS, cfg)


@pytest.mark.parametrize('cfg', [dict(type='Wrong', inner=1), dict(type='Plain')])
def test_other_type_errors_keep_their_traceback(cfg):
    assert message_of(THINGS, cfg) is None


def test_wrapped_as_by_mmengine_0_10_7():
    with pytest.raises(TypeError) as caught:
        try:
            THINGS.build(dict(type='Plain', size=1, color=2))
        except TypeError as error:
            raise TypeError(f'class `Holder` in things.py: {error}') from None
    assert 'closest: colour' in user_message(caught.value)


def test_of_the_training_loop_and_of_a_backbone():
    message = message_of(LOOPS, dict(type='TwoStageTrainLoop', max_epoch=3))
    assert "TwoStageTrainLoop has no setting 'max_epoch'; it takes runner, dataloader" in message
    message = message_of(MODELS, dict(type='ResNet', depth=18, stem_chanels=8))
    assert "ResNet has no setting 'stem_chanels'; closest: stem_channels" in message


@pytest.mark.parametrize('backbone, words', [
    (dict(type='SwinTransformer', arch='tinny'), 'AssertionError: Arch tinny is not in default'),
    (dict(type='Vig', arch='tinny'), "KeyError: tinny): set its arch to tiny, small, base, or"),
    # of the user's own, which these two take by their documentation only
    (dict(type='Vig', arch=dict(num_blocks=2, channels=48)), 'unhashable type'),
    (dict(type='LeViT', arch=dict(embed_dim=[8], num_heads=[1], depth=[1], key_dim=[8])),
     'KeyError: embed_dims): set its arch to 128s, 128, 192, 256, 384, or'),
])
@pytest.mark.parametrize('wrapped', [False, True])
def test_an_arch_that_a_backbone_does_not_take(backbone, words, wrapped):
    with pytest.raises((AssertionError, KeyError, TypeError)) as caught:
        try:
            MODELS.build(dict(type='ImageClassifier', backbone=backbone))
        except Exception as error:
            if wrapped:  # as by mmengine 0.10.7
                raise type(error)(f'class `{backbone["type"]}` in x.py: {error}') from None
            raise
    said = user_message(caught.value)
    assert said.startswith(f'{backbone["type"]} cannot be built from its settings (')
    assert words in said


def test_other_mistakes_of_a_backbone_keep_their_traceback():
    with pytest.raises(AssertionError) as caught:
        MODELS.build(dict(type='Vig', arch='tiny', out_indices=99))
    assert user_message(caught.value) is None
