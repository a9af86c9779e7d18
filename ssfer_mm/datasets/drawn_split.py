"""Draw the labeled images of a dataset: a share, or a number, of every class."""
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from ssfer_mm.errors import UserError

from .splits import Split, check_request, data_hash, digest


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
    check_request(fraction, per_class, seed)
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
    digests = [digest(f'{seed}:{id_}').digest() for id_ in ids]
    # The first eight bytes leave a few too many; only these are worth sorting.
    heads = np.frombuffer(b''.join(full[:8] for full in digests), dtype='>u8')
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
