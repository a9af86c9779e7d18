"""FERPlus: the FER2013 faces with ten votes each."""
import os.path as osp
import re
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.base import Box, FERDataset, Sample
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.fer2013_csv import (
    USAGE_OF_SUBSET,
    check_usages,
    parse_pixels,
    read_columns,
    subset_parts,
)
from ssfer_mm.datasets.files import (
    finite_number,
    read_rows,
    require_files,
    whole_number,
    with_bar,
    wrong_layout,
)
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import FERPLUS8, FERPLUS_VOTE_COLUMNS

_NUMBER = r'\s*(-?[0-9]+(?:\.[0-9]+)?)\s*'
_BOX = re.compile(r'\(?' + ','.join([_NUMBER] * 4) + r'\)?')
_FOLDERS = {'train': 'FER2013Train', 'valid': 'FER2013Valid', 'test': 'FER2013Test'}
# The held-out part of the training images: fixed forever, and no seed of a labeled split.
_DEV = dict(fraction=0.125, seed=20161112)


@DATASETS.register_module()
class FERPlus(FERDataset):
    """FERPlus, in either of the two layouts that people have (found out by itself).

    - ``FER2013Train|FER2013Valid|FER2013Test``, each with PNG files and a ``label.csv`` without
      a header: file name, ``"(x, y, w, h)"``, ten vote counts;
    - ``fer2013.csv`` (the images) beside ``fer2013new.csv`` (the votes).

    The label is the class with most votes, the first one in the files' column order on a tie;
    images whose winner is ``unknown`` or ``NF`` (no face) are dropped. This leaves 28,385
    training and 3,555 validation images. Ids are ``'fer0000001.png'`` in both layouts, so a
    split made on one works on the other. Classes: :data:`ssfer_mm.expressions.FERPLUS8`.

    To choose settings without looking at the test set, ``'train'`` comes in two parts as well:
    ``'dev'``, an eighth of every class, frozen by the hashes of its ids (3,549 images), and
    ``'fit'``, the other 24,836.

    The boxes of ``label.csv`` are mostly the whole image, (0, 0, 48, 48).

    With ``targets='votes'`` labeled images are trained on how people voted, not on the winner
    alone: see :func:`vote_scores`. Labels, and with them splits and accuracies, stay the winners;
    unlabeled images carry neither.

    Source: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with
    Crowd-Sourced Label Distribution", ICMI 2016, arXiv 1608.01041.

    Args:
        data_root (str): Folder of the data.
        subset (str): ``'train'``, ``'valid'``, ``'test'``, ``'valid+test'``, the test protocol of
            SSFER, or ``'fit'`` or ``'dev'``.
        boxes (str | dict | None): See :class:`FERDataset`.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.
        targets (str): ``'majority'`` or ``'votes'``.
        min_votes (int): Of ``'votes'``: fewer votes for a class than these are outliers and do not
            count. The paper drops single votes, 2; 1 counts every vote.

    Raises:
        UserError: Missing or wrongly laid out data, or an argument out of range.
    """

    METAINFO = dict(dataset_name='FERPlus', classes=FERPLUS8)
    SUBSETS = ('train', 'valid', 'test', 'valid+test', 'fit', 'dev')
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
                 targets: str = 'majority',
                 min_votes: int = 2):
        if targets not in ('majority', 'votes'):
            raise UserError(f"FERPlus: targets is 'majority' or 'votes', got {targets!r}.")
        if not isinstance(min_votes, int) or min_votes < 1:
            raise UserError(f'FERPlus: min_votes is {min_votes!r}, expected a whole number of 1 '
                            'or more; 1 counts every vote.')
        self.targets, self.min_votes = targets, min_votes
        super().__init__(data_root, subset=subset, boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=lazy_init, indices=indices,
                         serialize_data=serialize_data)

    def load_samples(self) -> list[Sample]:
        """Read the subset in the layout that is there."""
        held_out = self.subset in ('fit', 'dev')
        root, parts = self._root(), subset_parts('train' if held_out else self.subset)
        if all(osp.isfile(osp.join(root, _FOLDERS[part], 'label.csv')) for part in parts):
            samples = [sample for part in parts for sample in self._read_folder(root, part)]
        elif osp.isfile(osp.join(root, 'fer2013new.csv')):
            samples = self._read_csv_pair(root, parts)
        else:
            folders = ' and '.join(f'{_FOLDERS[part]}/label.csv' for part in parts)
            raise wrong_layout('FERPlus', root,
                               f'{folders}, or fer2013.csv beside fer2013new.csv')
        kept = [sample for sample in samples if sample.label is not None]
        print_log(f'FERPlus {self.subset}: {len(kept)} images, {len(samples) - len(kept)} dropped '
                  'because most votes are unknown or no-face', logger='current')
        return _part_of_train(kept, self.subset) if held_out else kept

    def _read_folder(self, root: str, part: str) -> list[Sample]:
        folder = osp.join(root, _FOLDERS[part])
        table = osp.join(folder, 'label.csv')
        samples = []
        for number, row in enumerate(read_rows(table), start=1):
            if len(row) != 2 + len(FERPLUS_VOTE_COLUMNS):
                raise UserError(f'{table!r} line {number} has {len(row)} columns, expected 12 '
                                '(file, box, ten vote counts); use the label.csv that FERPlus '
                                'provides.')
            samples.append(Sample(id=row[0], path=osp.join(folder, row[0]),
                                  box=_parse_box(row[1], table, number),
                                  **self._truth(_votes(row[2:], table, number))))
        require_files('FERPlus', folder, (s.id for s in samples if s.label is not None), table)
        return samples

    def _read_csv_pair(self, root: str, parts: tuple[str, ...]) -> list[Sample]:
        """Join the two CSV files, whose rows correspond one to one."""
        pixel_file, vote_file = osp.join(root, 'fer2013.csv'), osp.join(root, 'fer2013new.csv')
        usages = [USAGE_OF_SUBSET[part] for part in parts]
        rows = [(line, row, vote)
                for line, (row, vote) in enumerate(_joined_rows(pixel_file, vote_file), start=2)
                if row[1] in usages and vote[0]]
        samples = []
        for line, (text, usage), vote in with_bar(rows, 'Reading fer2013.csv'):
            truth = self._truth(_votes(vote[1:], vote_file, line))
            image = None if truth['label'] is None else parse_pixels(text, pixel_file, line)
            samples.append((usages.index(usage), Sample(id=vote[0], image=image, **truth)))
        return [sample for _, sample in sorted(samples, key=lambda pair: pair[0])]

    def _truth(self, votes: list[int]) -> dict:
        """Label, and scores if they are asked for, as keywords of :class:`Sample`."""
        label = vote_label(votes)
        if self.targets == 'majority' or label is None:
            return dict(label=label)
        return dict(label=label, scores=vote_scores(votes, self.min_votes))


def _part_of_train(samples: list[Sample], part: str) -> list[Sample]:
    """The samples of ``'dev'``, or of ``'fit'``, which is the rest."""
    split = draw_split('FERPlus', FERPLUS8, [sample.id for sample in samples],
                       [sample.label for sample in samples], **_DEV)
    dev = set(split.labeled)
    return [sample for sample in samples if (sample.id in dev) == (part == 'dev')]


def vote_label(votes: list[int] | np.ndarray) -> int | None:
    """The FERPlus class index that wins the vote.

    Args:
        votes (list[int]): Ten counts in the order of
            :data:`ssfer_mm.expressions.FERPLUS_VOTE_COLUMNS`.

    Returns:
        int | None: Index into ``FERPLUS8``; None if ``unknown`` or ``NF`` wins. On a tie the
        first column wins.

    Example:
        >>> vote_label([0, 0, 5, 5, 0, 0, 0, 0, 0, 0])  # surprise and sadness: 3 is surprise
        3
    """
    winner = FERPLUS_VOTE_COLUMNS[int(np.argmax(votes))]
    return FERPLUS8.index(winner) if winner in FERPLUS8 else None


def vote_scores(votes: list[int] | np.ndarray, min_votes: int = 2) -> list[float]:
    """The share of each expression in the votes (Barsoum et al., section 3).

    Votes for ``unknown`` and ``NF`` do not count, nor do those for an expression that got fewer
    than ``min_votes``, unless no expression got more.

    Args:
        votes (list[int]): Ten counts in the order of
            :data:`ssfer_mm.expressions.FERPLUS_VOTE_COLUMNS`, one for an expression at least.
        min_votes (int): At least 1.

    Returns:
        list[float]: Eight shares in the order of ``FERPLUS8``, which add up to 1.

    Example:
        >>> vote_scores([3, 0, 1, 1, 0, 0, 2, 0, 3, 0])  # fear: 2 of 5; two single votes dropped
        [0.6, 0.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0]
    """
    counts = [int(votes[FERPLUS_VOTE_COLUMNS.index(name)]) for name in FERPLUS8]
    least = min(min_votes, max(counts))
    counts = [count if count >= least else 0 for count in counts]
    return [count / sum(counts) for count in counts]


def _joined_rows(pixel_file: str, vote_file: str) -> list[tuple[list[str], list[str]]]:
    """((pixels, usage), (image name, ten votes)) of each row of the two CSV files."""
    if not osp.isfile(pixel_file):
        raise wrong_layout('FERPlus', osp.dirname(pixel_file),
                           'fer2013.csv (the images) beside fer2013new.csv')
    pixels = read_columns(pixel_file, ('pixels', 'usage'))
    check_usages(pixel_file, [usage for _, usage in pixels])
    votes = read_columns(vote_file, ('image name', *(c.lower() for c in FERPLUS_VOTE_COLUMNS)))
    if len(pixels) != len(votes):
        raise UserError(f'{pixel_file!r} has {len(pixels)} rows but {vote_file!r} has '
                        f'{len(votes)}; they must correspond row by row, use the original files.')
    return list(zip(pixels, votes))


def _votes(cells: list[str], table: str, line: int) -> list[int]:
    votes = [whole_number(cell) for cell in cells]
    if None in votes or not any(votes):
        raise UserError(f'{table!r} line {line}: votes {", ".join(cells)[:60]!r} are not ten '
                        'counts of 0 or more, not all 0; use the file that FERPlus provides.')
    return votes


def _parse_box(text: str, table: str, line: int) -> Box | None:
    """``'(x, y, w, h)'`` to corners; None for an empty box."""
    match = _BOX.fullmatch(text)
    numbers = [finite_number(cell) for cell in match.groups()] if match else [None]
    if None in numbers:
        raise UserError(f'{table!r} line {line}: {text[:60]!r} is not a box like "(0, 0, 48, 48)"; '
                        'use the label.csv that FERPlus provides.')
    x, y, width, height = numbers
    return (x, y, x + width, y + height) if width > 0 and height > 0 else None
