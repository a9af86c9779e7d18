"""Labeled and unlabeled faces in one index space."""
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import Compose
from mmpretrain.registry import DATASETS, TRANSFORMS
from torch.utils.data import Dataset

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number
from ssfer_mm.transforms import check_fixed, check_tracked, check_whole, whole_pipeline

from .base import FERDataset
from .kept_items import KeptItems
from .same_images import keys_of, shared_ids
from .seeded import seed_draws
from .split_recipe import resolve_split
from .splits import Split, load_split, save_split, split_hash

# What an unlabeled item must never carry into the training code.
SECRETS = ('gt_label', 'gt_score', 'face_box', 'face_box_size')


@DATASETS.register_module()
class SemiSupervisedDataset(Dataset):
    """A few labeled faces, many unlabeled ones, and the split between them.

    Indices ``0 .. n_labeled - 1`` are the labeled images, the rest the unlabeled ones: first what
    the split leaves of ``dataset``, then ``extra_unlabeled``. Labels of unlabeled images are
    dropped here, before any pipeline sees them.

    Args:
        dataset: Config of a labeled dataset (:class:`FERDataset`).
        labeled_pipeline: Transforms of labeled items, ending in ``PackFace``.
        unlabeled_pipeline: Transforms of unlabeled items, ending in ``PackViews``; or, where
            ``data_preprocessor.views`` makes the views of whole batches, in ``PackUnlabeled``:
            then neither pipeline crops or flips. None leaves the unlabeled part out altogether.
        split: A split file, or ``dict(fraction=0.25, seed=0)``, or ``dict(per_class=25, seed=0)``,
            optionally with ``file``. None means that all of ``dataset`` is labeled.
        extra_unlabeled: Configs of further datasets whose images are used without labels.
        lazy_init: Do not read annotations before they are needed.
        whole_faces: Leave crops, flips and views out of both pipelines, for
            ``data_preprocessor.views``, and resize every face to so many pixels, >= 1.
        keep_gb: Gigabytes per process for finished items, where views are made later: an item is
            then the same in every epoch, and made once. With ``num_workers=0`` none is sent.

    Raises:
        UserError: A dataset or a number is of another kind; the split does not belong to these
            data; face boxes would be wrong because a labeled transform moves pixels without saying
            so; or faces would be augmented twice.
    """

    def __init__(self,
                 dataset: dict,
                 labeled_pipeline: Sequence[dict],
                 unlabeled_pipeline: Optional[Sequence[dict]] = None,
                 split: Union[str, dict, Split, None] = None,
                 extra_unlabeled: Sequence[dict] = (),
                 lazy_init: bool = False,
                 whole_faces: Optional[int] = None,
                 keep_gb: float = 0.0) -> None:
        _check_kind(dataset, 'dataset', "one with labels, such as dict(type='ClassFolders', "
                    "data_root='DIR'); images without labels go to extra_unlabeled")
        _check_extra(extra_unlabeled)
        check_number('SemiSupervisedDataset', 'keep_gb', keep_gb)
        if whole_faces is not None:
            check_number('SemiSupervisedDataset', 'whole_faces', whole_faces, low=1, whole=True)
            labeled_pipeline = whole_pipeline(labeled_pipeline, whole_faces, 'PackFace')
            if unlabeled_pipeline is not None:
                unlabeled_pipeline = whole_pipeline(
                    unlabeled_pipeline, whole_faces, 'PackUnlabeled')
        if dataset.get('boxes'):
            check_tracked(labeled_pipeline)
        whole = check_whole(labeled_pipeline, unlabeled_pipeline or ()) or whole_faces is not None
        # Whether data_preprocessor.views is to make the views; None where nothing tells.
        self.packs_whole_faces = whole if whole or unlabeled_pipeline else None
        if keep_gb and not whole:
            raise UserError('keep_gb keeps items that are the same in every epoch, but the '
                            'pipelines crop and flip: set whole_faces to the size of the faces and '
                            'data_preprocessor.views, or leave keep_gb out')
        if keep_gb:
            check_fixed([*labeled_pipeline, *(unlabeled_pipeline or ())])
        self._kept = KeptItems(keep_gb)
        self.dataset = DATASETS.build(dict(dataset, lazy_init=True))
        self.labeled_pipeline = _compose(labeled_pipeline)
        self.unlabeled_pipeline = _compose(unlabeled_pipeline or ())
        self._extra = [
            DATASETS.build(dict(cfg, pipeline=[_without_secrets, *(unlabeled_pipeline or ())],
                                lazy_init=True))
            for cfg in extra_unlabeled
        ]
        self._use_unlabeled = unlabeled_pipeline is not None
        self._split_cfg = split
        self._ready = False
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Read the annotations, find or draw the split, and lay out the indices."""
        if self._ready:
            return
        self.dataset.full_init()
        for extra in self._extra:
            extra.full_init()
        ids, labels = self.dataset.ids(), self.dataset.labels()
        everything = np.arange(len(ids))
        if self._split_cfg is None:
            self.split, self._labeled = None, everything
        else:
            self.split = resolve_split(self._split_cfg, self.metainfo['dataset_name'],
                                       self.metainfo['classes'], ids, labels)
            chosen = set(self.split.labeled)
            self._labeled = np.array([i for i, id_ in enumerate(ids) if id_ in chosen])
        rest = np.setdiff1d(everything, self._labeled)
        self._rest = rest if self._use_unlabeled else rest[:0]
        self._extra_ends = np.cumsum([len(extra) for extra in self._extra], dtype=int)
        self._ready = True

    @property
    def metainfo(self) -> dict:
        """Class names and dataset name of the labeled dataset."""
        return self.dataset.metainfo

    @property
    def source_sizes(self) -> Tuple[int, int]:
        """Number of labeled and of unlabeled images."""
        self.full_init()
        extra = int(self._extra_ends[-1]) if self._extra and self._use_unlabeled else 0
        return len(self._labeled), len(self._rest) + extra

    def __len__(self) -> int:
        return sum(self.source_sizes)

    def examples(self) -> List[int]:
        """Indices of a few images: two labeled ones, and two of every unlabeled source."""
        labeled, _ = self.source_sizes
        sizes = [labeled, len(self._rest)]
        if self._use_unlabeled:
            sizes += [len(extra) for extra in self._extra]
        ends = np.cumsum(sizes).tolist()
        return [index for end, size in zip(ends, sizes)
                for index in range(end - size, end - size + min(size, 2))]

    def __getitem__(self, index: int) -> dict:
        n_labeled, n_unlabeled = self.source_sizes
        if not 0 <= index < n_labeled + n_unlabeled:
            raise IndexError(f'index {index} is outside 0..{n_labeled + n_unlabeled - 1}')
        return self._kept.get(index, self._make_item)

    def _make_item(self, index: int) -> dict:
        n_labeled, _ = self.source_sizes
        seed_draws(index)
        if index < n_labeled:
            return self.labeled_pipeline(self.dataset.get_data_info(int(self._labeled[index])))
        return self._unlabeled_item(index - n_labeled)

    def _unlabeled_item(self, position: int) -> dict:
        if position < len(self._rest):
            info = self.dataset.get_data_info(int(self._rest[position]))
            return self.unlabeled_pipeline(_without_secrets(info))
        position -= len(self._rest)
        source = int(np.searchsorted(self._extra_ends, position, side='right'))
        start = self._extra_ends[source - 1] if source else 0
        return self._extra[source][int(position - start)]

    def hidden_labels(self) -> Dict[str, int]:
        """Labels of the unlabeled images, for monitors only: id -> class index.

        Training code never calls this; :class:`PseudoLabelMonitor` does, to plot how often the
        pseudo-labels are right. An id that also means another image, an extra one, is left out.
        """
        ids, labels = self.dataset.ids(), self.dataset.labels()
        hidden = {ids[i]: label
                  for i, label in zip(self._rest.tolist(), labels[self._rest].tolist())}
        for extra in self._extra:
            if hidden and extra.id_scope() != self.dataset.id_scope():
                for id_ in extra.ids():
                    hidden.pop(id_, None)
        return hidden

    def labeled_counts(self) -> np.ndarray:
        """Number of labeled images of each class, (K,)."""
        return np.bincount(self.labeled_classes(), minlength=len(self.metainfo['classes']))

    def split_fingerprint(self) -> Optional[str]:
        """Hash of the split, None where all images are labeled."""
        self.full_init()
        return None if self.split is None else split_hash(self.split)

    def record_split(self, path: str) -> None:
        """Write the split to a file, so that the run can be repeated on it."""
        save_split(self.split, path)

    def check_recorded_split(self, path: str) -> None:
        """Refuse to go on where a run was recorded with another split."""
        if split_hash(load_split(path)) != split_hash(self.split):
            raise UserError(f'{path} holds the split this run began with, but the config now '
                            'draws another one: restore the config, or use a new --work-dir')

    def check_held_out(self, held_out: Dataset, name: str, allow_unlabeled: bool = False) -> None:
        """Refuse to train on images that the accuracy is measured on. No pixels are read.

        SSFER keeps test images out of the training data, with labels and without.

        Args:
            held_out: The dataset of a validation or test loader.
            name: Of that loader, for the message.
            allow_unlabeled: Let them be among the unlabeled images (transductive learning).

        Raises:
            UserError: Images of this dataset are in the other one too, by id or by file.
        """
        self.full_init()
        keys = keys_of(held_out)
        sources = [('labeled', self.dataset, self._labeled)]
        if self._use_unlabeled and not allow_unlabeled:
            sources += [('unlabeled', self.dataset, self._rest),
                        *(('unlabeled', extra, range(len(extra))) for extra in self._extra)]
        for part, dataset, rows in sources:
            shared = shared_ids(dataset, rows, keys)
            if shared:
                raise UserError(
                    f'{len(shared)} of {len(rows)} {part} training images are also in {name}: '
                    f'{", ".join(shared[:3])}{", ..." if len(shared) > 3 else ""}. An accuracy '
                    f'measured on them would mean nothing: give {name} another subset or '
                    'data_root, or take these images out of the training data.')

    def labeled_classes(self) -> np.ndarray:
        """Labels of the labeled images, int64 (n_labeled,), in index order."""
        self.full_init()
        return self.dataset.labels()[self._labeled]


def _without_secrets(info: dict) -> dict:
    return {key: value for key, value in info.items() if key not in SECRETS}


def _check_extra(datasets: object) -> None:
    example = "dict(type='UnlabeledFaces', data_root='DIR')"
    if not isinstance(datasets, (list, tuple)):
        raise UserError(f'extra_unlabeled is {datasets!r}: give a list, [{example}]')
    for cfg in datasets:
        _check_kind(cfg, 'an item of extra_unlabeled', f'{example}; archives are for stage I')


def _check_kind(cfg: object, name: str, example: str) -> None:
    """Only datasets of this library have ids, by which a split and test images are known."""
    kind = cfg.get('type') if isinstance(cfg, Mapping) else None
    if isinstance(kind, str):
        kind = DATASETS.get(kind)
        if kind is None:
            return  # misspelled; to build it says what there is
    if not (isinstance(kind, type) and issubclass(kind, FERDataset)):
        given = kind.__name__ if isinstance(kind, type) else repr(cfg)
        raise UserError(f'{name} is {given}, not one of the datasets of ssfer_mm: give {example}')


def _compose(pipeline: Sequence[dict]) -> Compose:
    if isinstance(pipeline, dict):
        raise UserError('a pipeline is a list of transforms, but a single dict was given: '
                        'write [dict(type=...), ...]')
    return Compose([TRANSFORMS.build(cfg) for cfg in pipeline])
