"""What all face datasets share: samples in, mmpretrain data items out, nothing hidden."""
import os
import os.path as osp
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets import BaseDataset

from ssfer_mm.datasets.files import resolve_root
from ssfer_mm.datasets.seeded import seed_draws
from ssfer_mm.errors import UserError
from ssfer_mm.faces.box_lookup import boxes_of_images
from ssfer_mm.runtime.garbage import collector_rests

Box = tuple[float, float, float, float]


class Sample(NamedTuple):
    """One image of a dataset.

    Attributes:
        id: Stable, unique, posix-style name inside the dataset, independent of where the data
            lies, e.g. ``'train/train_00001_aligned.jpg'``. Splits and box files refer to it.
        label: Index into the dataset's classes, or None if the image carries no label.
        path: File of the image. Exactly one of ``path`` and ``image`` is given.
        image: Decoded image, uint8, (H, W) grey or (H, W, 3) BGR.
        box: Face box (x1, y1, x2, y2) in pixels of the raw image, if the dataset supplies one.
        scores: A share for each of the dataset's classes, which add up to 1, where the image is
            to be trained on these instead of ``label``.
    """
    id: str
    label: int | None = None
    path: str | None = None
    image: np.ndarray | None = None
    box: Box | None = None
    scores: Sequence[float] | None = None


class FERDataset(BaseDataset):
    """Base class of the face datasets; a subclass writes :meth:`load_samples` and its classes.

    ``METAINFO = dict(classes=('anger', ...))`` are these, in the order of the labels;
    ``dataset_name``, the class's own where it is not given, is what splits record.

    Every item is ``dict(sample_id=str, img_path=str or img=uint8 array, gt_label=int,
    face_box=float32 (4,))``; ``gt_label`` is absent where there is no label, ``face_box`` is
    (x1, y1, x2, y2) in pixels of the raw image and NaN where there is no box. Where a box file
    notes the image's (width, height), that is ``face_box_size``. Where a dataset gives scores,
    ``gt_score`` is float32 (K,).

    Unlike its parent it never replaces an item by another one: what a labeled set or a test
    set holds is what is used, or there is an error.

    Args:
        data_root (str): Folder of the data.
        subset (str): One of the class's ``SUBSETS``.
        boxes (str | dict | None): Where face boxes come from. None: nowhere. ``'dataset'``: the
            dataset itself. ``'image'``: every image is a tight crop, all of it the face.
            Anything else: a JSON-lines box file (see ``ssfer_mm.faces.box_file``), or
            ``dict(file=..., choose='largest', min_score=0.5)``, whose two last keys say which of
            several faces counts (see ``ssfer_mm.faces.choose``; default: none of them).
        pipeline (Sequence): Transforms, or their configs.
        test_mode (bool): Kept for mmengine; it changes nothing here.
        lazy_init (bool): Read the files at first use instead of now.
        indices (int | Sequence[int], optional): Keep the first so many, or these, items.
        serialize_data (bool): Hold the items as bytes, shared between workers.

    Raises:
        UserError: Missing or wrongly laid out data, labels out of range, no images, no boxes.
    """

    METAINFO: dict = dict(classes=())
    SUBSETS: tuple[str, ...] = ()
    # Pictures that a program drew may look alike without being copies of one another.
    DRAWN = False
    # A published set's ids mean the same images in every copy, others only under their own root.
    PUBLISHED = False
    # Paths of images beside the data that mean nothing there: a subclass may find some.
    loose: Sequence[str] = ()

    def __init__(self,
                 data_root: str | None,
                 subset: str = 'train',
                 boxes: str | Mapping | None = None,
                 pipeline: Sequence = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True):
        if self.SUBSETS and subset not in self.SUBSETS:
            raise UserError(f'{self.name} has no subset {subset!r}; '
                            f'use one of: {", ".join(self.SUBSETS)}.')
        self.subset = subset
        self.boxes = boxes
        self._columns: tuple[list[str], list[int]] | None = None
        # The parent joins data_root with prefixes; our paths come complete from load_samples.
        super().__init__(ann_file='', pipeline=pipeline, test_mode=test_mode, lazy_init=True,
                         indices=indices, serialize_data=serialize_data)
        self.data_root = data_root
        self._metainfo.setdefault('dataset_name', self.name)
        self._metainfo.setdefault('classes', ())
        if not lazy_init:
            self.full_init()

    @property
    def name(self) -> str:
        """The dataset's name, as splits record it."""
        metainfo = getattr(self, '_metainfo', None) or self.METAINFO
        return metainfo.get('dataset_name', type(self).__name__)

    def id_scope(self) -> str:
        """Among datasets of one scope the same id means the same image."""
        given = self.data_root or ()
        roots = [given] if isinstance(given, (str, os.PathLike)) else given
        places = () if self.PUBLISHED else map(osp.realpath, map(osp.expanduser, roots))
        return ' '.join([type(self).__name__, *places])

    def full_init(self) -> None:
        """Read the annotations, unless that has been done."""
        if self._fully_initialized:
            return
        # The collector would walk over all that was read so far, again and again: a third of the
        # time with 300,000 images.
        with collector_rests():
            super().full_init()

    def load_samples(self) -> list[Sample]:
        """Read the subset's samples, in a stable order. Subclasses implement this."""
        raise NotImplementedError(f'{type(self).__name__} must implement load_samples')

    def load_data_list(self) -> list[dict]:
        """Turn the samples into data items, checking ids and labels and adding boxes."""
        samples = self.load_samples()
        self._check(samples)
        if self.boxes == 'image':
            # The extent is known once the image is decoded: PackFace fills it in.
            return [_data_item(sample, 'image') for sample in samples]
        if self.boxes is None:
            return [_data_item(sample) for sample in samples]
        if self.boxes == 'dataset':
            return [_data_item(sample, box)
                    for sample, box in zip(samples, self._own_boxes(samples))]
        found = boxes_of_images(ids=[sample.id for sample in samples], **_box_file(self.boxes))
        print_log(f'{self.name} {self.subset}: {found.report}', logger='current')
        return [_data_item(sample, box, size)
                for sample, box, size in zip(samples, found.boxes, found.sizes.tolist())]

    def get_data_info(self, idx: int) -> dict:
        """The item before its pipeline."""
        info = super().get_data_info(idx)
        # Not stored: four NaN for every image triple the time and memory of a large set.
        info.setdefault('face_box', np.full(4, np.nan, dtype=np.float32))
        return info

    def _serialize_data(self) -> tuple[np.ndarray, np.ndarray]:
        """One array of bytes, which processes share, and where each item ends in it.

        As mmengine's, in half the time for many small items. Ids and labels are noted first: out of
        the bytes they come slowly. Unlabeled collections have millions of ids, and nobody asks.
        """
        if self.data_list and 'gt_label' in self.data_list[0]:
            self._columns = _columns(self.data_list)
        items = [pickle.dumps(item, protocol=4) for item in self.data_list]
        self.data_list.clear()
        ends = np.cumsum(np.fromiter(map(len, items), dtype=np.int64, count=len(items)))
        return np.frombuffer(b''.join(items), dtype=np.uint8), ends

    def get_subset_(self, indices: int | Sequence[int]) -> None:
        """Keep some of the items only, in place; see mmengine's ``BaseDataset``."""
        self._columns = None
        super().get_subset_(indices)

    def get_subset(self, indices: int | Sequence[int]) -> 'FERDataset':
        """A copy with some of the items only; see mmengine's ``BaseDataset``."""
        subset = super().get_subset(indices)
        subset._columns = None
        return subset

    def _ids_and_labels(self) -> tuple[list[str], list[int]]:
        if not self._fully_initialized:
            self.full_init()
        if self._columns is not None:
            return self._columns
        return _columns(self.get_data_info(i) for i in range(len(self)))

    def ids(self) -> list[str]:
        """The samples' ids, in dataset order."""
        return list(self._ids_and_labels()[0])

    def labels(self) -> np.ndarray:
        """The samples' labels, int64 (N,), in dataset order.

        Raises:
            UserError: The dataset has images without labels.
        """
        labels = self._ids_and_labels()[1]
        if -1 in labels:
            raise UserError(f'{self.name} has no labels ({labels.count(-1)} of {len(labels)} '
                            'images carry none); use a labeled dataset here.')
        return np.array(labels, dtype=np.int64)

    def __getitem__(self, idx: int) -> dict:
        """The transformed item; an unreadable image is an error, never another image."""
        if not self._fully_initialized:
            self.full_init()
        seed_draws(idx)
        data = self.prepare_data(idx)
        if data is None:
            raise UserError(f'{self.name}: the pipeline returned nothing for '
                            f'{self.get_data_info(idx)["sample_id"]!r}; remove transforms that '
                            'drop images.')
        return data

    def extra_repr(self) -> list[str]:
        """Lines for ``repr``: where the data is from."""
        return [f'Root: \t{self.data_root}', f'Subset: \t{self.subset}', f'Boxes: \t{self.boxes}']

    def _root(self) -> str:
        return resolve_root(self.data_root, self.name)

    def _check(self, samples: list[Sample]) -> None:
        if not samples:
            raise UserError(f'{self.name}: no images in subset {self.subset!r} of '
                            f'{self.data_root!r}; check that the data is unpacked there.')
        seen, classes = set(), self._metainfo['classes']
        if not classes and any(sample.label is not None for sample in samples):
            raise UserError(f'{self.name} has labels and names no classes: write METAINFO = '
                            "dict(classes=('anger', ...)), in the order of the labels, into the "
                            f'class {type(self).__name__}.')
        for sample in samples:
            if sample.id in seen:
                raise UserError(f'{self.name}: {sample.id!r} occurs twice in {self.data_root!r}; '
                                'remove the repeated row or file.')
            seen.add(sample.id)
            if sample.label is not None and not 0 <= sample.label < len(classes):
                raise UserError(f'{self.name}: {sample.id!r} has label {sample.label}, expected '
                                f'0 to {len(classes) - 1} ({", ".join(classes)}); correct it.')
            if sample.scores is not None and not _are_shares(sample.scores, len(classes)):
                raise UserError(f'{self.name}: {sample.id!r} has the scores '
                                f'{list(sample.scores)}, expected {len(classes)} shares of 0 or '
                                f'more that add up to 1 ({", ".join(classes)}); correct them.')

    def _own_boxes(self, samples: list[Sample]) -> np.ndarray:
        """Boxes that the dataset itself supplies, float32 (N, 4) xyxy, NaN where there is none."""
        boxes = np.full((len(samples), 4), np.nan, dtype=np.float32)
        supplied = [i for i, sample in enumerate(samples) if sample.box is not None]
        if not supplied:
            raise UserError(f"{self.name} supplies no face boxes, but boxes='dataset' was asked "
                            'for; set boxes to a box file, or to None to go without.')
        boxes[supplied] = np.array([samples[i].box for i in supplied], dtype=np.float32)
        print_log(f'{self.name} {self.subset}: {len(supplied)} of {len(samples)} images have a '
                  'face box from the dataset', logger='current')
        return boxes


def _columns(items: Iterable[dict]) -> tuple[list[str], list[int]]:
    """Ids and labels, -1 where there is none."""
    pairs = [(item['sample_id'], item.get('gt_label', -1)) for item in items]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _box_file(boxes: str | Mapping) -> dict:
    """``boxes`` of a config as arguments of ``boxes_of_images``."""
    given = dict(boxes) if isinstance(boxes, Mapping) else dict(file=boxes)
    path, known = given.pop('file', None), ('choose', 'min_score')
    if not isinstance(path, (str, os.PathLike)) or not set(given) <= set(known):
        raise UserError(f"boxes={boxes!r}: expected a box file, 'dataset', 'image', None, or "
                        "dict(file='boxes.jsonl', choose='largest', min_score=0.5)")
    return dict(given, path=path)


def _data_item(sample: Sample, box: np.ndarray | str | None = None,
               size: Sequence[int] = (0, 0)) -> dict:
    item: dict = dict(sample_id=sample.id)
    if box is not None:
        item['face_box'] = box
    if all(size):
        # PackFace compares it with the image, to find out a box file for other images.
        item['face_box_size'] = tuple(size)
    if sample.image is not None:
        item['img'] = sample.image
    else:
        item['img_path'] = sample.path
    if sample.label is not None:
        item['gt_label'] = int(sample.label)
    if sample.scores is not None:
        item['gt_score'] = np.array(sample.scores, dtype=np.float32)
    return item


def _are_shares(scores: Sequence[float], count: int) -> bool:
    return len(scores) == count and min(scores) >= 0 and abs(sum(scores) - 1) < 1e-4
