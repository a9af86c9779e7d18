"""RandAugment and AutoAugment whose rotations, shears and translations are tracked."""
from numbers import Number
from typing import List, Optional, Sequence, Union

from mmpretrain.datasets.transforms import AutoAugment, RandAugment
from mmpretrain.datasets.transforms.auto_augment import AUTOAUG_POLICIES, RANDAUG_POLICIES
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError

TRACKED_POLICIES = {
    'Rotate': 'TrackedRotate',
    'Shear': 'TrackedShear',
    'Translate': 'TrackedTranslate',
}


@TRANSFORMS.register_module()
class TrackedRandAugment(RandAugment):
    """mmpretrain's ``RandAugment`` that also updates ``view_matrix``.

    The policies are the stock ones, ``Rotate``, ``Shear`` and ``Translate`` in their tracked
    versions: same draws, same pixels.

    Args:
        policies: ``'timm_increasing'``, ``'simple_increasing'``, or a list of policy configs.
        num_policies: How many are applied to an image, drawn with replacement.
        magnitude_level: From 0 to ``total_level``.
        magnitude_std: Spread of the level; ``'inf'`` draws it uniformly from 0 up.
        total_level: The highest level.
        hparams: What every policy is given, if it takes it and does not set it itself;
            None means ``dict(pad_val=128)``, as in the stock transform.
    """

    keeps_face_box = True

    def __init__(self,
                 policies: Union[str, Sequence[dict]],
                 num_policies: int,
                 magnitude_level: float,
                 magnitude_std: Union[Number, str] = 0.,
                 total_level: float = 10,
                 hparams: Optional[dict] = None) -> None:
        super().__init__(
            policies=tracked_policies(_preset(policies, RANDAUG_POLICIES)),
            num_policies=num_policies,
            magnitude_level=magnitude_level,
            magnitude_std=magnitude_std,
            total_level=total_level,
            hparams=dict(pad_val=128) if hparams is None else hparams)


@TRANSFORMS.register_module()
class TrackedAutoAugment(AutoAugment):
    """mmpretrain's ``AutoAugment`` that also updates ``view_matrix``.

    Args:
        policies: ``'imagenet'``, or a list of sub-policies, each a list of policy configs.
        hparams: As in :class:`TrackedRandAugment`.
    """

    keeps_face_box = True

    def __init__(self,
                 policies: Union[str, Sequence[Sequence[dict]]],
                 hparams: Optional[dict] = None) -> None:
        super().__init__(
            policies=tracked_policies(_preset(policies, AUTOAUG_POLICIES)),
            hparams=dict(pad_val=128) if hparams is None else hparams)


def tracked_policies(policies: Sequence) -> List:
    """The same policies (nested lists of configs) with tracked warps."""
    return [_tracked(policy) if isinstance(policy, dict) else tracked_policies(policy)
            for policy in policies]


def _tracked(policy: dict) -> dict:
    name = str(policy.get('type', '')).split('.')[-1]
    return dict(policy, type=TRACKED_POLICIES.get(name, policy.get('type')))


def _preset(policies: Union[str, Sequence], presets: dict) -> Sequence:
    if not isinstance(policies, str):
        return policies
    if policies not in presets:
        raise UserError(f'there are no policies {policies!r}: use {" or ".join(map(repr, presets))}'
                        ', or a list of policies')
    return presets[policies]
