"""AffectNet, seven or eight expressions."""
import os.path as osp
from collections import Counter
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.affectnet_files import read_affectnet_csv, read_affectnet_npy
from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.files import first_existing, wrong_layout
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import (
    AFFECTNET7,
    AFFECTNET8,
    AFFECTNET_NON_EXPRESSIONS,
    AFFECTNET_NUMBERS,
)

_CSV_FILES = {'train': 'training.csv', 'valid': 'validation.csv'}
_NPY_FOLDERS = {'train': 'train_set', 'valid': 'val_set'}
_CSV_PLACES = ('', 'Manually_Annotated_file_lists/', 'Manually_Annotated/')


@DATASETS.register_module()
class AffectNet(FERDataset):
    """AffectNet's manually annotated faces, in either release (found out by itself).

    - the CSV release: ``training.csv`` and ``validation.csv`` beside
      ``Manually_Annotated_Images/`` or ``Manually_Annotated/Manually_Annotated_Images/``; its
      face boxes are available as ``boxes='dataset'``;
    - the cropped release: ``train_set/`` and ``val_set/``, each with ``images/<id>.jpg`` and
      ``annotations/<id>_exp.npy``. The labels of its 287,651 small files are remembered in
      ``train_set/.ssfer_mm_labels.json`` if that can be written.

    AffectNet-7 (283,901 training and 3,500 validation images) drops contempt, AffectNet-8
    (287,651 and 4,000) keeps it; both drop None, Uncertain and No-Face. Every drop is logged.
    Splits know them as ``AffectNet7`` and ``AffectNet8``.

    Source: Mollahosseini et al., "AffectNet: A Database for Facial Expression, Valence, and
    Arousal Computing in the Wild", IEEE TAC 2019.

    Args:
        data_root (str): Folder of the data.
        subset (str): ``'train'`` or ``'valid'``; ``'test'`` is the latter, since the labels of
            the test set were never released.
        boxes (str | None): None, ``'dataset'`` (CSV release) or a JSON-lines box file.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.
        num_classes (int): 7 or 8.

    Raises:
        UserError: Missing or wrongly laid out data, a number outside 0-10, missing images.
    """

    METAINFO = dict(dataset_name='AffectNet8', classes=AFFECTNET8)
    SUBSETS = ('train', 'valid', 'test')
    PUBLISHED = True

    def __init__(self,
                 data_root: str,
                 subset: str = 'train',
                 boxes: str | Mapping | None = None,
                 pipeline: Sequence = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True,
                 num_classes: int = 8):
        if num_classes not in (7, 8):
            raise UserError(f'AffectNet: num_classes is {num_classes!r}, expected 7 or 8.')
        super().__init__(data_root, subset=subset, boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=True, indices=indices,
                         serialize_data=serialize_data)
        self._metainfo.update(dataset_name=f'AffectNet{num_classes}',
                              classes=AFFECTNET7 if num_classes == 7 else AFFECTNET8)
        if not lazy_init:
            self.full_init()

    def load_samples(self) -> list[Sample]:
        """Read the subset in the release that is there; keep what is one of the classes."""
        root, part = self._root(), 'train' if self.subset == 'train' else 'valid'
        table = first_existing(root, [place + _CSV_FILES[part] for place in _CSV_PLACES])
        if table is not None:
            samples = read_affectnet_csv(root, table)
        elif osp.isdir(osp.join(root, _NPY_FOLDERS[part], 'annotations')):
            samples = read_affectnet_npy(root, _NPY_FOLDERS[part])
        else:
            raise wrong_layout('AffectNet', root, f'{_CSV_FILES[part]} beside '
                               'Manually_Annotated_Images/, or '
                               f'{_NPY_FOLDERS[part]}/annotations/ and images/')
        return self._keep_classes(samples)

    def _keep_classes(self, samples: list[Sample]) -> list[Sample]:
        names = {**AFFECTNET_NUMBERS, **AFFECTNET_NON_EXPRESSIONS}
        classes = self._metainfo['classes']
        # The raw numbers are the class indices, with contempt last: 7 classes are a prefix.
        kept = [sample for sample in samples if sample.label < len(classes)]
        dropped = Counter(names[s.label] for s in samples if s.label >= len(classes))
        what = ', '.join(f'{count} {name}' for name, count in sorted(dropped.items())) or 'none'
        print_log(f'{self.name} {self.subset}: {len(kept)} images, dropped: {what}',
                  logger='current')
        return kept
