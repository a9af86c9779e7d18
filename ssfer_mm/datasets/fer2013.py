"""FER2013 with its original labels."""
import os.path as osp

from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.fer2013_csv import (
    USAGE_OF_SUBSET,
    check_usages,
    parse_pixels,
    read_columns,
    subset_parts,
)
from ssfer_mm.datasets.files import first_existing, whole_number, with_bar, wrong_layout
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import FER2013_7, FER2013_NUMBERS


@DATASETS.register_module()
class FER2013(FERDataset):
    """FER2013 from ``fer2013.csv`` (or ``icml_face_data.csv``): emotion, pixels, Usage.

    Training, PublicTest and PrivateTest are the subsets ``'train'``, ``'valid'`` and ``'test'``.
    Images are held in memory, grey. Ids are the subset and the row, ``'train/00000.png'``.
    Classes: :data:`ssfer_mm.expressions.FER2013_7`, which is not the file's own numbering.

    Source: Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013.

    Args:
        See :class:`FERDataset`. ``subset``: ``'train'``, ``'valid'``, ``'test'`` or
        ``'valid+test'``.
    """

    METAINFO = dict(dataset_name='FER2013', classes=FER2013_7)
    SUBSETS = ('train', 'valid', 'test', 'valid+test')
    PUBLISHED = True

    def load_samples(self) -> list[Sample]:
        """Read the subset's rows, decoding only these."""
        root = self._root()
        path = first_existing(root, ('fer2013.csv', 'fer2013/fer2013.csv', 'icml_face_data.csv'))
        if path is None:
            raise wrong_layout('FER2013', root, 'fer2013.csv')
        rows = read_columns(path, ('emotion', 'pixels', 'usage'))
        check_usages(path, [row[2] for row in rows])
        samples = []
        for part in subset_parts(self.subset):
            own = [(index, row) for index, row in enumerate(rows)
                   if row[2] == USAGE_OF_SUBSET[part]]
            samples += [_sample(part, index, row, path)
                        for index, row in with_bar(own, f'Reading {osp.basename(path)} {part}')]
        return samples


def _sample(part: str, index: int, row: list[str], path: str) -> Sample:
    line = index + 2  # the first line is the header
    number = whole_number(row[0])
    if number not in FER2013_NUMBERS:
        raise UserError(f'{path!r} line {line}: emotion {row[0][:9]!r} is out of range, expected 0 '
                        'to 6; correct the file.')
    return Sample(id=f'{part}/{index:05d}.png', image=parse_pixels(row[1], path, line),
                  label=FER2013_7.index(FER2013_NUMBERS[number]))
