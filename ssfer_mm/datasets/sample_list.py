"""Data samples that cross from a loader worker to the main process cheaply."""
from typing import Any, Dict, List, Tuple

import torch
from mmpretrain.structures import DataSample


class SampleList(list):
    """A list of ``DataSample``, pickled as plain arrays.

    Between processes torch puts every tensor into shared memory of its own: a file opened, mapped,
    sent and closed for each label and each box. That pays for batches of pixels, not for five
    numbers.
    """

    def __reduce__(self) -> Tuple:
        return _rebuild, ([_plain(sample) for sample in self], )


def _plain(sample: DataSample) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    fields = {name: value.numpy() if isinstance(value, torch.Tensor) else value
              for name, value in sample.items()}
    return dict(sample.metainfo_items()), fields


def _rebuild(samples: List[Tuple[Dict[str, Any], Dict[str, Any]]]) -> SampleList:
    return SampleList(_sample(*parts) for parts in samples)


def _sample(metainfo: Dict[str, Any], fields: Dict[str, Any]) -> DataSample:
    sample = DataSample()
    for name, value in metainfo.items():
        sample.set_field(value, name, field_type='metainfo')
    for name, value in fields.items():
        is_array = hasattr(value, '__array_interface__')
        sample.set_field(torch.from_numpy(value) if is_array else value, name)
    return sample
