"""RAF-DB, basic expressions."""
import os.path as osp
import re
from collections.abc import Mapping, Sequence

from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.class_folders import class_folder_samples, loose_images, match_class
from ssfer_mm.datasets.files import (
    first_existing,
    iter_lines,
    require_files,
    whole_number,
    wrong_layout,
)
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import RAFDB7, RAFDB_NUMBERS

# The first spelling is the dataset's own.
_LABEL_FILES = tuple(f'{folder}EmoLabel/{name}' for folder in ('', 'basic/')
                     for name in ('list_patition_label.txt', 'list_partition_label.txt'))
_LISTED_NAME = re.compile(r'(train|test)_[^/\\\0]+')
_OWN_NAME = re.compile(r'(train|test)_\d+(_aligned)?\.\w+')


@DATASETS.register_module()
class RAFDB(FERDataset):
    """RAF-DB with its seven basic expressions, in either layout (found out by itself).

    - as released: ``EmoLabel/list_patition_label.txt`` and ``Image/aligned/`` or
      ``Image/original/`` (also below ``basic/``);
    - class folders: ``train/1..7`` and ``test/1..7`` (also below ``DATASET/``), numbered as
      RAF-DB does, or named by expression.

    12,271 training and 3,068 test images. Ids are ``'train/train_00001_aligned.jpg'`` in both
    layouts, so a split made on one works on the other. Classes:
    :data:`ssfer_mm.expressions.RAFDB7`, which is not RAF-DB's own numbering.

    Source: Li et al., "Reliable Crowdsourcing and Deep Locality-Preserving Learning for
    Expression Recognition in the Wild", CVPR 2017.

    Args:
        data_root (str): Folder of the data.
        subset (str): ``'train'`` or ``'test'``.
        boxes (str | dict | None): None or a JSON-lines box file; see :class:`FERDataset`.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.
        view (str, optional): ``'aligned'`` or ``'original'`` images of the released layout;
            None takes the aligned ones if they are there.

    Raises:
        UserError: Missing or wrongly laid out data, a number outside 1-7, missing images.
    """

    METAINFO = dict(dataset_name='RAFDB', classes=RAFDB7)
    SUBSETS = ('train', 'test')
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
                 view: str | None = None):
        if view not in (None, 'aligned', 'original'):
            raise UserError(f"RAFDB: view is {view!r}, expected 'aligned' or 'original'.")
        self.view = view
        super().__init__(data_root, subset=subset, boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=lazy_init, indices=indices,
                         serialize_data=serialize_data)

    def load_samples(self) -> list[Sample]:
        """Read the subset in the layout that is there."""
        root = self._root()
        label_file = first_existing(root, _LABEL_FILES)
        if label_file is not None:
            return self._from_label_file(label_file)
        folders = first_existing(root, (self.subset, f'DATASET/{self.subset}'))
        if folders is None:
            raise wrong_layout('RAFDB', root, 'EmoLabel/list_patition_label.txt with '
                               f'Image/aligned/, or class folders {self.subset}/1 to '
                               f'{self.subset}/7')
        if self.view:
            raise UserError(f'RAFDB: view={self.view!r} chooses among the folders of the released '
                            f'layout, but {root!r} has class folders; leave view out.')
        self.loose = loose_images('RAFDB', folders)
        samples = class_folder_samples('RAFDB', osp.dirname(folders), self.subset, RAFDB7,
                                       _class_of_folder)
        return sorted((_own_id(sample, self.subset) for sample in samples), key=lambda s: s.id)

    def _from_label_file(self, label_file: str) -> list[Sample]:
        base = osp.dirname(osp.dirname(label_file))
        view = self.view or ('aligned' if osp.isdir(osp.join(base, 'Image/aligned'))
                             else 'original')
        folder, ending = osp.join(base, 'Image', view), '_aligned' if view == 'aligned' else ''
        samples = []
        for line, text in enumerate(iter_lines(label_file), start=1):
            if text.strip():
                name, label = _parse_line(text, label_file, line)
                stem, suffix = osp.splitext(name)
                image = f'{stem}{ending}{suffix}'
                samples.append(Sample(id=f'{stem.split("_")[0]}/{image}', label=label,
                                      path=osp.join(folder, image)))
        own = [sample for sample in samples if sample.id.startswith(f'{self.subset}/')]
        require_files('RAFDB', folder, (osp.basename(s.path) for s in own), label_file)
        return sorted(own, key=lambda sample: sample.id)


def _parse_line(text: str, path: str, line: int) -> tuple[str, int]:
    """``'train_00001.jpg 5'`` to the name and the index into RAFDB7."""
    parts = text.split()
    if len(parts) != 2 or not _LISTED_NAME.fullmatch(parts[0]):
        raise UserError(f'{path!r} line {line} is {text.strip()[:60]!r}, expected like '
                        "'train_00001.jpg 5'; use the label file of the basic expressions.")
    return parts[0], RAFDB7.index(_class_of_number(parts[1], f'{path!r} line {line}'))


def _class_of_number(text: str, where: str) -> str:
    number = whole_number(text)
    if number not in RAFDB_NUMBERS:
        raise UserError(f'{where}: label {text[:20]!r} is out of range, RAF-DB numbers its seven '
                        'basic expressions 1 to 7; correct it.')
    return RAFDB_NUMBERS[number]


def _class_of_folder(name: str) -> str:
    if name.isdecimal():
        return _class_of_number(name, f'RAFDB class folder {name!r}')
    return match_class(name, RAFDB7)


def _own_id(sample: Sample, subset: str) -> Sample:
    """Drop the class folder from the id where the file name is RAF-DB's own, hence unique."""
    name = osp.basename(sample.path)
    return sample._replace(id=f'{subset}/{name}') if _OWN_NAME.fullmatch(name) else sample
