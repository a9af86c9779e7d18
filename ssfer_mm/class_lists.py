"""Labels are numbers: what they mean must be the same wherever they are compared."""
from typing import Optional, Tuple

from torch.utils.data import Dataset

from ssfer_mm.errors import UserError


def classes_of(dataset: Dataset) -> Optional[Tuple[str, ...]]:
    """The names of a dataset's classes, None if it does not tell them."""
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    return None if classes is None else tuple(classes)


def check_same_classes(train: Dataset, other: Dataset, where: str) -> None:
    """Refuse data on which a model would be judged by another list of classes.

    Args:
        train: What the model learns from.
        other: What it is judged on.
        where: Its loader, for the message.

    Raises:
        UserError: Both tell their classes, and these differ.
    """
    ours, theirs = classes_of(train), classes_of(other)
    if ours and theirs and ours != theirs:
        raise UserError(f'the training data have the classes {", ".join(ours)}, {where} has '
                        f'{", ".join(theirs)}: labels are numbers in this order, so accuracies '
                        'would be wrong. Set dataset.classes to the same list in both, or take '
                        'data sets of the same classes')
