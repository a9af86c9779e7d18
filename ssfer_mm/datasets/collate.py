"""Turn a list of items from two sources into one batch."""
from typing import Dict, List, Sequence

import torch
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def collate_sources(items: Sequence[dict]) -> Dict[str, Dict[str, object]]:
    """Stack labeled and unlabeled items separately, in one dictionary.

    Args:
        items: Items of :class:`SemiSupervisedDataset`. A labeled item has ``inputs``, an
            unlabeled one ``weak`` and ``strong``; each is a uint8 tensor (3, H, W).

    Returns:
        ``inputs`` with the keys ``labeled``, ``weak`` and ``strong`` (uint8, (n, 3, H, W)) and
        ``data_samples`` with the keys ``labeled`` and ``unlabeled`` (lists). A source without
        items in this batch has no key.
    """
    labeled = [item for item in items if 'inputs' in item]
    unlabeled = [item for item in items if 'weak' in item]
    inputs: Dict[str, torch.Tensor] = {}
    samples: Dict[str, List] = {}
    if labeled:
        inputs['labeled'] = torch.stack([item['inputs'] for item in labeled])
        samples['labeled'] = [item['data_samples'] for item in labeled]
    if unlabeled:
        inputs['weak'] = torch.stack([item['weak'] for item in unlabeled])
        inputs['strong'] = torch.stack([item['strong'] for item in unlabeled])
        samples['unlabeled'] = [item['data_samples'] for item in unlabeled]
    return dict(inputs=inputs, data_samples=samples)
