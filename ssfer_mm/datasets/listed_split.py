"""A split that somebody else chose: the labeled images as a list."""
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ssfer_mm.errors import UserError

from .splits import Split, data_hash


def read_id_list(path: str) -> list[str]:
    """The lines of a text file, without empty ones.

    Raises:
        UserError: It cannot be read, or is empty.
    """
    try:
        with open(path, encoding='utf-8-sig', errors='surrogateescape') as file:
            ids = [line.strip() for line in file if line.strip()]
    except OSError as error:
        raise UserError(f'{path!r} cannot be read ({error.strerror}); give a text file with the '
                        'id of a labeled image in each line') from error
    if not ids:
        raise UserError(f'{path!r} is empty; give the id of a labeled image in each line')
    return ids


def listed_split(dataset_name: str, classes: Sequence[str], ids: Sequence[str],
                 labels: Sequence[int] | np.ndarray, labeled: Sequence[str]) -> Split:
    """The split with these labeled images, to train on the same ones as others did.

    Args:
        dataset_name: Recorded, and checked at use.
        classes: Class names in label order.
        ids: Unique ids of all images.
        labels: Label of each id.
        labeled: Ids of the labeled images, in any order.

    Raises:
        UserError: An id is listed twice, or is none of the data's.

    Example:
        >>> listed_split('toy', ('a', 'b'), list('pqrs'), [0, 0, 0, 1], ['s', 'q']).counts
        {'a': (1, 3), 'b': (1, 1)}
    """
    chosen = Counter(labeled)
    if len(chosen) < len(labeled):
        raise UserError(f'{chosen.most_common(1)[0][0]!r} is listed twice or more; list every '
                        'labeled image once')
    unknown = sorted(set(chosen) - set(ids))
    if unknown:
        raise UserError(f'{len(unknown)} of {len(labeled)} listed ids are not in the data, the '
                        f'first is {unknown[0]!r}; the ids of the data look like {ids[0]!r}')
    label_of = dict(zip(ids, map(int, labels)))
    total = np.bincount(list(label_of.values()), minlength=len(classes))
    part = np.bincount([label_of[id_] for id_ in labeled], minlength=len(classes))
    return Split(dataset=dataset_name, classes=tuple(classes), seed=0, fraction=None,
                 per_class=None, labeled=tuple(sorted(chosen)),
                 counts={name: (int(k), int(n)) for name, k, n in zip(classes, part, total)},
                 data_hash=data_hash(ids, labels))
