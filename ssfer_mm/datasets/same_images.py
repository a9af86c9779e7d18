"""Whether two datasets hold the same images, by id and by file: no pixels are read."""
import os.path as osp
from functools import lru_cache
from typing import Iterable, Iterator, List, Optional, Set

from torch.utils.data import Dataset


def image_keys(info: dict, scope: Optional[str]) -> Iterator[str]:
    """What an image is known by: its id among datasets of its scope, and its file.

    Args:
        info: A data item, as ``get_data_info`` gives it.
        scope: ``FERDataset.id_scope()`` of its dataset, None if ids mean nothing there.
    """
    if scope is not None and info.get('sample_id') is not None:
        yield f'{scope}\t{info["sample_id"]}'
    path = info.get('img_path')
    if path:
        folder, name = osp.split(osp.abspath(path))
        yield osp.realpath(path) if osp.islink(path) else osp.join(_real(folder), name)


def keys_of(dataset: Dataset) -> Set[str]:
    """The keys of all images of a dataset, or of the datasets that it wraps."""
    keys: Set[str] = set()
    for part in _unwrapped(dataset):
        scope = part.id_scope() if hasattr(part, 'id_scope') else None
        for row in range(len(part)):
            keys.update(image_keys(part.get_data_info(row), scope))
    return keys


def shared_ids(dataset: Dataset, rows: Iterable[int], keys: Set[str]) -> List[str]:
    """Ids of those of a dataset's images that another one holds too.

    Args:
        dataset: A :class:`FERDataset`.
        rows: Which of its images count.
        keys: Of the other dataset: :func:`keys_of`.
    """
    infos = (dataset.get_data_info(int(row)) for row in rows)
    scope = dataset.id_scope()
    return [info['sample_id'] for info in infos
            if any(key in keys for key in image_keys(info, scope))]


def _unwrapped(dataset: Dataset) -> Iterator[Dataset]:
    """The datasets with items of their own inside Concat-, Repeat- and other wrappers."""
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    inside = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for part in inside:
        if part is not None:
            yield from _unwrapped(part)
    if inside == [None] and hasattr(dataset, 'get_data_info'):
        yield dataset


@lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    """The folder behind links; asked once for all of its files."""
    return osp.realpath(folder)
