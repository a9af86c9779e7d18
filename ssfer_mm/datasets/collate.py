"""Turn a list of items from two sources into one batch."""
from typing import Dict, List, Sequence

import torch
from mmengine.dataset import default_collate
from mmengine.registry import FUNCTIONS

from .sample_list import SampleList


@FUNCTIONS.register_module()
def collate_faces(items: Sequence[dict]) -> dict:
    """mmengine's ``default_collate`` with a :class:`SampleList`: for loaders of one source."""
    batch = default_collate(items)
    return dict(batch, data_samples=SampleList(batch['data_samples']))


@FUNCTIONS.register_module()
def collate_sources(items: Sequence[dict]) -> Dict[str, Dict[str, object]]:
    """Stack labeled and unlabeled items separately, in one dictionary.

    Args:
        items: Items of :class:`SemiSupervisedDataset`. A labeled item has ``inputs``, an
            unlabeled one ``weak`` and ``strong``; each is a uint8 tensor (3, H, W).

    Returns:
        ``inputs`` with the keys ``labeled``, ``weak`` and ``strong`` (uint8, (n, 3, H, W)) and
        ``data_samples`` with the keys ``labeled`` and ``unlabeled`` (:class:`SampleList`). A source
        without items in this batch has no key.
    """
    labeled = [item for item in items if 'inputs' in item]
    unlabeled = [item for item in items if 'weak' in item]
    inputs: Dict[str, torch.Tensor] = {}
    samples: Dict[str, List] = {}
    if labeled:
        inputs['labeled'] = torch.stack([item['inputs'] for item in labeled])
        samples['labeled'] = SampleList(item['data_samples'] for item in labeled)
    if unlabeled:
        inputs['weak'] = torch.stack([item['weak'] for item in unlabeled])
        inputs['strong'] = torch.stack([item['strong'] for item in unlabeled])
        samples['unlabeled'] = SampleList(item['data_samples'] for item in unlabeled)
    return dict(inputs=inputs, data_samples=samples)
