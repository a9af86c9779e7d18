"""Which images are labeled: a split, drawn once, kept as a file, checked before use.

SSFER trains stages II and III, and every baseline, on the same labeled images. A split is
therefore data, not a by-product of a random state: the ids, the seed, and a fingerprint of the
images and labels that it was drawn from.
"""
import hashlib
import json
import math
import os.path as osp
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json

_FORMAT = 'ssfer_mm split 1'
_KEYS = ('file', 'fraction', 'per_class', 'seed')


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


def draw_split(dataset_name: str, classes: Sequence[str], ids: Sequence[str],
               labels: Sequence[int] | np.ndarray, *, fraction: float | None = None,
               per_class: int | None = None, seed: int = 0) -> Split:
    """Draw the labeled images of every class (arXiv 2410.17622).

    From a class of n images, max(1, round(fraction * n)) are labeled (halves round up): those
    with the smallest SHA-256 of ``f'{seed}:{id}'``. So a draw is the same on every machine,
    does not depend on the order of the data, and a larger fraction contains a smaller one.

    Args:
        dataset_name (str): Recorded, and checked at use.
        classes (Sequence[str]): Class names in label order.
        ids (Sequence[str]): Unique image ids.
        labels (Sequence[int]): Label of each id.
        fraction (float, optional): Labeled share of each class, in (0, 1].
        per_class (int, optional): Labeled images of each class, instead of ``fraction``.
        seed (int): Another seed gives other images.

    Raises:
        UserError: Both or neither of ``fraction`` and ``per_class``, a value out of range, a
            class without any image, or with fewer than ``per_class``.

    Example:
        >>> split = draw_split('toy', ('a', 'b'), list('pqrstu'), [0, 0, 0, 0, 1, 1], fraction=.5)
        >>> split.counts
        {'a': (2, 4), 'b': (1, 2)}
    """
    _check_request(fraction, per_class, seed)
    seed = int(seed)  # 1.0 is a whole number, too, but not written like one
    members = _ids_by_class(classes, ids, labels)
    labeled, counts = [], {}
    for name, own in members.items():
        k = _labeled_count(name, len(own), fraction, per_class)
        labeled += _lowest(own, k, seed)
        counts[name] = (k, len(own))
    return Split(dataset=dataset_name, classes=tuple(classes), seed=seed, fraction=fraction,
                 per_class=per_class, labeled=tuple(sorted(labeled)), counts=counts,
                 data_hash=data_hash(ids, labels))


def data_hash(ids: Sequence[str], labels: Sequence[int] | np.ndarray) -> str:
    """Fingerprint of a dataset's ids and labels, whatever their order: SHA-256, hexadecimal."""
    return _sha256('\n'.join(sorted(f'{id_}\t{int(label)}' for id_, label in zip(ids, labels))))


def split_hash(split: Split) -> str:
    """Fingerprint of everything in a split: SHA-256, hexadecimal."""
    return _sha256(json.dumps(asdict(split), sort_keys=True, ensure_ascii=True))


def save_split(split: Split, path: str) -> None:
    """Write a split as readable JSON with its own hash; the file appears whole or not at all."""
    write_json(path, dict(format=_FORMAT, hash=split_hash(split), **asdict(split)))


def load_split(path: str) -> Split:
    """Read a split file and verify that nobody changed it.

    Raises:
        UserError: No such file, no split file, or its content does not match its hash.
    """
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
        _check_request(split.fraction, split.per_class, split.seed)


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


def resolve_split(cfg: Split | str | Mapping, dataset_name: str, classes: Sequence[str],
                  ids: Sequence[str], labels: Sequence[int] | np.ndarray) -> Split:
    """Get the split that a config means, checked against the data.

    Args:
        cfg (Split | str | Mapping): A split, a split file, or ``dict(fraction or per_class,
            seed=0, file=None)``. If ``file`` exists it is loaded, and must agree with the other
            keys; if not, the split is drawn (and not written).
        dataset_name, classes, ids, labels: As for :func:`draw_split`.

    Raises:
        UserError: See :func:`load_split`, :func:`draw_split` and :func:`check_split`.
    """
    if isinstance(cfg, Mapping):
        split = _kept_split(cfg)
        if split is None:  # drawn from this very data, there is nothing to check
            wanted = {key: cfg[key] for key in _KEYS[1:] if key in cfg}
            return draw_split(dataset_name, classes, ids, labels, **wanted)
    elif isinstance(cfg, str):
        split = load_split(cfg)
    elif isinstance(cfg, Split):
        split = cfg
    else:
        raise UserError(f'The split is a {type(cfg).__name__}; expected a split file or '
                        'dict(fraction=0.05, seed=0), e.g. split=split.json.')
    check_split(split, dataset_name, classes, ids, labels)
    return split


def check_recipe(cfg: Mapping) -> None:
    """Refuse a recipe for a split with a key that no recipe has.

    Raises:
        UserError: It has others.
    """
    unknown = sorted(set(cfg) - set(_KEYS))
    if unknown:
        raise UserError(f'The split config has unknown keys {unknown}; use {", ".join(_KEYS)}.')


def split_table(split: Split) -> str:
    """A text table of the labeled and all images per class."""
    width = max(len('class'), *(len(name) for name in split.classes))
    lines = [f'{"class":<{width}}  labeled      all  share']
    rows = [*split.counts.items(), ('total', tuple(map(sum, zip(*split.counts.values()))))]
    lines += [f'{name:<{width}}  {k:7d}  {n:7d}  {k / n:5.1%}' for name, (k, n) in rows]
    return '\n'.join(lines)


def _kept_split(cfg: Mapping) -> Split | None:
    """The split in the file that a recipe names, if that is there already."""
    check_recipe(cfg)
    file = cfg.get('file')
    if not file or len(cfg) > 1 and not osp.isfile(file):
        return None
    split = load_split(file)
    for key in _KEYS[1:]:
        if key in cfg and getattr(split, key) != cfg[key]:
            raise UserError(f'{file!r} has {key}={getattr(split, key)}, the config asks for '
                            f'{key}={cfg[key]}; correct one of them.')
    return split


def _check_request(fraction: float | None, per_class: int | None, seed: int) -> None:
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


def _ids_by_class(classes: Sequence[str], ids: Sequence[str],
                  labels: Sequence[int] | np.ndarray) -> dict[str, list[str]]:
    if len(ids) != len(labels) or len(set(ids)) != len(ids):
        raise UserError(f'{len(ids)} ids ({len(set(ids))} different) and {len(labels)} labels; '
                        'a split needs unique ids with one label each.')
    members: dict[str, list[str]] = {name: [] for name in classes}
    for id_, label in zip(ids, labels):
        if not 0 <= label < len(classes):
            raise UserError(f'{id_!r} has label {label}, expected 0 to {len(classes) - 1} '
                            f'({", ".join(classes)}).')
        members[classes[int(label)]].append(id_)
    return members


def _lowest(ids: Sequence[str], k: int, seed: int) -> list[str]:
    """The k ids with the lowest SHA-256 of ``'seed:id'``; of equal ones the lower ids."""
    digests = [_digest(f'{seed}:{id_}').digest() for id_ in ids]
    # The first eight bytes leave a few too many; only these are worth sorting.
    heads = np.frombuffer(b''.join(digest[:8] for digest in digests), dtype='>u8')
    candidates = np.flatnonzero(heads <= np.partition(heads, k - 1)[k - 1])
    return [id_ for _, id_ in sorted((digests[i], ids[i]) for i in candidates.tolist())[:k]]


def _labeled_count(name: str, total: int, fraction: float | None, per_class: int | None) -> int:
    if total == 0:
        raise UserError(f'The class {name!r} has no image, so it would be left without labels; '
                        'check the data, or remove the class.')
    if per_class is not None:
        if per_class > total:
            raise UserError(f'per_class is {per_class}, but the class {name!r} has {total} images '
                            f'only; use per_class={total} or less, or a fraction.')
        return int(per_class)
    # In decimal, as the user wrote it: 0.29 * 50 is 14.5, though floats make it a bit less.
    exact = Decimal(repr(float(fraction))) * total
    return max(1, int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))


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
    return _digest(text).hexdigest()


def _digest(text: str) -> 'hashlib._Hash':
    # Linux allows file names, which ids are, that are no UTF-8.
    return hashlib.sha256(text.encode('utf-8', 'surrogateescape'))
