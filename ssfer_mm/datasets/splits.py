"""Which images are labeled: a split, drawn once, kept as a file, checked before use.

SSFER trains stages II and III, and every baseline, on the same labeled images. A split is
therefore data, not a by-product of a random state: the ids, the seed, and a fingerprint of the
images and labels that it was drawn from. How one is drawn: `drawn_split.py`.
"""
import hashlib
import json
import math
import os.path as osp
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json

_FORMAT = 'ssfer_mm split 1'


@dataclass(frozen=True)
class Split:
    """The labeled part of a dataset; everything else in the dataset is unlabeled.

    Attributes:
        dataset: Name of the dataset it was drawn from.
        classes: Its classes, in label order.
        seed: Seed of the draw.
        fraction: Labeled share of each class, in (0, 1], or None.
        per_class: Labeled images of each class, or None. At most one of the two is given; neither
            where somebody listed the images.
        labeled: Ids of the labeled images, sorted.
        counts: For each class, (labeled, all) images.
        data_hash: :func:`data_hash` of the data it was drawn from.
    """
    dataset: str
    classes: tuple[str, ...]
    seed: int
    fraction: float | None
    per_class: int | None
    labeled: tuple[str, ...]
    counts: dict[str, tuple[int, int]]
    data_hash: str

    @property
    def is_listed(self) -> bool:
        """Whether somebody listed the images, so that the seed means nothing."""
        return self.fraction is None and self.per_class is None


def data_hash(ids: Sequence[str], labels: Sequence[int] | np.ndarray) -> str:
    """Fingerprint of a dataset's ids and labels, whatever their order: SHA-256, hexadecimal."""
    return _sha256('\n'.join(sorted(f'{id_}\t{int(label)}' for id_, label in zip(ids, labels))))


def split_hash(split: Split) -> str:
    """Fingerprint of everything in a split: SHA-256, hexadecimal."""
    return _sha256(json.dumps(asdict(split), sort_keys=True, ensure_ascii=True))


def save_split(split: Split, path: str) -> None:
    """Write a split as readable JSON with its own hash; the file appears whole or not at all."""
    write_json(osp.expanduser(path), dict(format=_FORMAT, hash=split_hash(split), **asdict(split)),
               sync=True)


def load_split(path: str) -> Split:
    """Read a split file and verify that nobody changed it.

    Raises:
        UserError: No such file, no split file, or its content does not match its hash.
    """
    path = osp.expanduser(path)
    if not osp.isfile(path):
        raise UserError(f'The split file {path!r} does not exist; {_make_hint(path=path)}.')
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
        recorded, form = content.pop('hash'), content.pop('format')
        counts = {name: (int(part), int(total)) for name, (part, total)
                  in content.pop('counts').items()}
        split = Split(**{**content, 'classes': tuple(content['classes']),
                         'labeled': tuple(content['labeled']), 'counts': counts})
        _check_kinds(split)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError,
            OSError) as error:
        raise UserError(f'{path!r} is not a split file ({type(error).__name__}: {error}); '
                        f'{_make_hint(path=path)}.') from error
    if form != _FORMAT or split_hash(split) != recorded:
        raise UserError(f'{path!r} was changed after it was written (content hash '
                        f'{split_hash(split)[:12]}, recorded {str(recorded)[:12]}); restore it, '
                        f'or {_make_hint(split, path)}.')
    return split


def _check_kinds(split: Split) -> None:
    """A hash proves that nobody changed a split by mistake, not that a program wrote it."""
    texts = (split.dataset, split.data_hash, *split.classes, *split.labeled, *split.counts)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError('a name or an id is not text')
    if len(set(split.labeled)) != len(split.labeled) or set(split.counts) != set(split.classes):
        raise ValueError('ids repeat, or the counts are of other classes')
    if (split.fraction, split.per_class) != (None, None):
        check_request(split.fraction, split.per_class, split.seed)


def check_split(split: Split, dataset_name: str, classes: Sequence[str], ids: Sequence[str],
                labels: Sequence[int] | np.ndarray) -> None:
    """Refuse a split that was made for other data.

    Raises:
        UserError: Another dataset or class order, labeled ids that the data lacks, or data that
            has changed since.
    """
    if split.dataset != dataset_name:
        raise UserError(f'The split was made for {split.dataset}, the data is {dataset_name}; '
                        f'{_make_hint(split)}.')
    if split.classes != tuple(classes):
        raise UserError(f'The split has the classes {", ".join(split.classes)}, the data '
                        f'{", ".join(classes)}; {_make_hint(split)}.')
    unknown = sorted(set(split.labeled) - set(ids))
    if unknown:
        raise UserError(f'{len(unknown)} of {len(split.labeled)} labeled ids of the split are not '
                        f'in the data, the first is {unknown[0]!r} (an id of the data: '
                        f'{ids[0] if len(ids) else None!r}); use the data it was made for, or '
                        f'{_make_hint(split)}.')
    if data_hash(ids, labels) != split.data_hash:
        was = sum(total for _, total in split.counts.values())
        raise UserError(f'The split was made for other data: it saw {was} images, here are '
                        f'{len(ids)}, and their ids and labels differ (hash '
                        f'{split.data_hash[:12]} then, {data_hash(ids, labels)[:12]} now); use '
                        f'the data it was made for, or {_make_hint(split)}.')


def split_table(split: Split) -> str:
    """A text table of the labeled and all images per class."""
    width = max(len('class'), *(len(name) for name in split.classes))
    lines = [f'{"class":<{width}}  labeled      all  share']
    rows = [*split.counts.items(), ('total', tuple(map(sum, zip(*split.counts.values()))))]
    lines += [f'{name:<{width}}  {k:7d}  {n:7d}  {k / max(n, 1):5.1%}' for name, (k, n) in rows]
    return '\n'.join(lines)


def check_request(fraction: float | None, per_class: int | None, seed: int) -> None:
    """Refuse what no split can be drawn by.

    Raises:
        UserError: Both or neither of ``fraction`` and ``per_class``, or a value out of range.
    """
    if (fraction is None) == (per_class is None):
        raise UserError(f'A split needs either fraction or per_class, got fraction={fraction} and '
                        f'per_class={per_class}; give exactly one.')
    if fraction is not None and not (_is_number(fraction) and 0 < fraction <= 1):
        raise UserError(f'fraction is {fraction!r}, expected a number in (0, 1]; '
                        '5 % of the labels is fraction=0.05.')
    if per_class is not None and not (_is_number(per_class) and per_class >= 1
                                      and per_class == int(per_class)):
        raise UserError(f'per_class is {per_class!r}, expected a whole number of 1 or more.')
    if not _is_number(seed) or seed != int(seed):
        raise UserError(f'seed is {seed!r}, expected a whole number.')


def _is_number(value: object) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and math.isfinite(value))


def _make_hint(split: Split | None = None, path: str | None = None) -> str:
    """The command that makes the split anew."""
    how = '--fraction 0.05 --seed 0'
    if split is not None and split.fraction is not None:
        how = f'--fraction {split.fraction} --seed {split.seed}'
    elif split is not None and split.per_class is not None:
        how = f'--per-class {split.per_class} --seed {split.seed}'
    elif split is not None:
        how = '--ids LIST'
    # A config: class folders of one's own names cannot be told in options.
    return f'make a new one: python tools/make_split.py CONFIG {how} --out {path or "FILE"}'


def _sha256(text: str) -> str:
    return digest(text).hexdigest()


def digest(text: str) -> 'hashlib._Hash':
    """SHA-256 of a text."""
    # Linux allows file names, which ids are, that are no UTF-8.
    return hashlib.sha256(text.encode('utf-8', 'surrogateescape'))
