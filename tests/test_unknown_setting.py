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
