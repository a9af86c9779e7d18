"""Two views of one unlabeled face: one for the teacher, one for the student."""
from typing import Optional, Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS

from ssfer_mm.errors import UserError

# They describe one view, so they mean nothing for the pair.
VIEW_KEYS = ('img', 'view_matrix', 'img_shape')


@TRANSFORMS.register_module()
class WeakStrongViews(BaseTransform):
    """Augment one decoded image twice, independently.

    In stage III the teacher sees the weak view, the student the strong one. Each view
    draws its own random crop and flip.

    Args:
        weak: Configs of the weak view's transforms.
        strong: Configs of the strong view's transforms.

    Takes ``img`` and the other keys of :class:`LoadFace`. Sets ``img_weak`` and ``img_strong``
    (arrays that share no memory) and keeps every key that does not belong to a single view.
    """

    def __init__(self, weak: Sequence[dict], strong: Sequence[dict]) -> None:
        for name, steps in (('weak', weak), ('strong', strong)):
            if isinstance(steps, dict):
                raise UserError(f'WeakStrongViews got one dict as its {name} pipeline: '
                                f'write {name}=[dict(type=...), ...]')
        self.weak = Compose([TRANSFORMS.build(step) for step in weak])
        self.strong = Compose([TRANSFORMS.build(step) for step in strong])

    def transform(self, results: dict) -> Optional[dict]:
        # A transform may write into its arrays, so one view works on copies. The other may have
        # the originals: nobody looks at them afterwards.
        weak = self.weak({
            key: value.copy() if isinstance(value, np.ndarray) else value
            for key, value in results.items()
        })
        strong = self.strong(dict(results))
        if weak is None or strong is None:
            return None
        views = {key: value for key, value in results.items() if key not in VIEW_KEYS}
        views['img_weak'], views['img_strong'] = weak['img'], strong['img']
        return views

    def __repr__(self) -> str:
        return f'WeakStrongViews(weak={self.weak}, strong={self.strong})'
