"""Face crops from news photographs, with a coarse expression label each."""
import os.path as osp
import re
from collections.abc import Iterable, Mapping, Sequence

from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.files import first_existing, read_rows, require_files, wrong_layout
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import AFFECTNET7, AFFECTNET8, canonical_name

# A fifth of the people; fixed forever.
_TEST = dict(fraction=0.2, seed=0)
_NUMBER = re.compile(r'_\d+\.\w+$')


@DATASETS.register_module()
class Faces13k(FERDataset):
    """``legend.csv`` (columns image and emotion, in any order among others) beside ``images/``.

    Source: github.com/muxspace/facial_expressions (Apache-2.0). Nine in ten of its faces are
    neutral or happy, and only 17 show fear: use it to compare data sets, not to rank methods.

    An image that is listed twice counts once; one that is listed with two different expressions
    is dropped. Ids are the file names, which begin with the person's name.

    Args:
        data_root (str): Folder of ``legend.csv``.
        subset (str): ``'all'``; or ``'train'`` and ``'test'``, which show different people, one
            in five of them in ``'test'``.
        num_classes (int): 7, or 8 with contempt, which nine images show.
        boxes (str | dict | None): None, ``'image'`` or a JSON-lines box file; see
            :class:`FERDataset`.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.
    """

    METAINFO: dict = dict(dataset_name='Faces13k', classes=AFFECTNET7)
    SUBSETS: tuple[str, ...] = ('all', 'train', 'test')
    PUBLISHED = True

    def __init__(self,
                 data_root: str,
                 subset: str = 'all',
                 num_classes: int = 7,
                 boxes: str | Mapping | None = None,
                 pipeline: Sequence = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True):
        if num_classes not in (7, 8):
            raise UserError(f'Faces13k has num_classes={num_classes!r}; expected 7, or 8 with '
                            'contempt.')
        self.num_classes = num_classes
        super().__init__(data_root, subset=subset, boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=True, indices=indices,
                         serialize_data=serialize_data)
        self._metainfo['classes'] = AFFECTNET7 if num_classes == 7 else AFFECTNET8
        if not lazy_init:
            self.full_init()

    def load_samples(self) -> list[Sample]:
        """Read the list and check that its images are there."""
        root = self._root()
        table = first_existing(root, ('legend.csv', 'data/legend.csv'))
        if table is None:
            raise wrong_layout('Faces13k', root, 'legend.csv beside images/')
        folder, classes = osp.join(root, 'images'), self._metainfo['classes']
        labels, listed = _read_legend(table)
        require_files('Faces13k', folder, labels, table)
        kept = [Sample(id=name, label=classes.index(label), path=osp.join(folder, name))
                for name, label in sorted(labels.items()) if label in classes]
        print_log(f'Faces13k: {len(kept)} images of {listed} listed; the others are listed twice, '
                  'contradict themselves, or show none of the classes', logger='current')
        if self.subset == 'all':
            return kept
        tested = _test_people(labels)
        return [s for s in kept if (person(s.id) in tested) == (self.subset == 'test')]


def person(name: str) -> str:
    """Whom a file shows: ``'Aaron_Eckhart_0001.jpg'`` -> ``'Aaron_Eckhart'``.

    Example:
        >>> person('AJ_Cook_0001.jpg')
        'AJ_Cook'
    """
    return _NUMBER.sub('', name)


def _test_people(names: Iterable[str]) -> set[str]:
    people = sorted({person(name) for name in names})
    return set(draw_split('people', ('person',), people, [0] * len(people), **_TEST).labeled)


def _read_legend(table: str) -> tuple[dict[str, str], int]:
    """(file name -> canonical expression, without contradictions; how many rows there are)."""
    header, *rows = read_rows(table) or [[]]
    names = [cell.lower() for cell in header]
    if 'image' not in names or 'emotion' not in names:
        raise UserError(f'{table!r} begins with {",".join(header)[:60]!r}, expected a header with '
                        'the columns image and emotion; use the legend.csv of the data set.')
    image, emotion = names.index('image'), names.index('emotion')
    found: dict[str, set[str]] = {}
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise UserError(f'{table!r} line {line} has {len(row)} columns, expected '
                            f'{len(header)}; use the legend.csv of the data set.')
        found.setdefault(row[image], set()).add(canonical_name(row[emotion]))
    single = {name: labels.pop() for name, labels in found.items() if len(labels) == 1}
    return single, len(rows)
