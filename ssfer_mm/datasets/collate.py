"""Turn a list of items from two sources into one batch."""
from typing import Dict, List, Sequence

import torch
from mmengine.registry import FUNCTIONS

from ssfer_mm.errors import UserError

# Of an unlabeled item: its views, or the whole face that views are to be made of.
UNLABELED = ('weak', 'strong', 'unlabeled')


@FUNCTIONS.register_module()
def collate_sources(items: Sequence[dict]) -> Dict[str, Dict[str, object]]:
    """Stack labeled and unlabeled items separately, in one dictionary.

    Args:
        items: Items of :class:`SemiSupervisedDataset`. A labeled item has ``inputs``, an
            unlabeled one ``weak`` and ``strong``, or ``unlabeled``; each is a uint8 tensor
            (3, H, W).

    Returns:
        ``inputs`` with the keys ``labeled``, and ``weak`` and ``strong`` or ``unlabeled`` (uint8,
        (n, 3, H, W)), and ``data_samples`` with the keys ``labeled`` and ``unlabeled`` (lists). A
        source without items in this batch has no key.

    Raises:
        UserError: Images of one source differ in size.
    """
    labeled = [item for item in items if 'inputs' in item]
    unlabeled = [item for item in items if 'inputs' not in item]
    inputs: Dict[str, torch.Tensor] = {}
    samples: Dict[str, List] = {}
    if labeled:
        inputs['labeled'] = _stack([item['inputs'] for item in labeled], 'labeled')
        samples['labeled'] = [item['data_samples'] for item in labeled]
    if unlabeled:
        for key in UNLABELED:
            if key in unlabeled[0]:
                inputs[key] = _stack([item[key] for item in unlabeled], 'unlabeled')
        samples['unlabeled'] = [item['data_samples'] for item in unlabeled]
    return dict(inputs=inputs, data_samples=samples)


def _stack(images: List[torch.Tensor], source: str) -> torch.Tensor:
    shapes = {tuple(image.shape[1:]) for image in images}
    if len(shapes) > 1:
        one, other = sorted(shapes)[:2]
        raise UserError(
            f'images of a batch differ in size: {one[1]} x {one[0]} and {other[1]} x {other[0]} '
            f"pixels. Put dict(type='TrackedResize', scale=(48, 48)), or another size, into "
            f'{source}_pipeline before the images are packed')
    return torch.stack(images)
