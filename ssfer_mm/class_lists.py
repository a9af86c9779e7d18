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


def check_class_count(train: Dataset, outputs: Optional[int]) -> None:
    """A class too many would be predicted now and then, and counted as whatever comes next.

    Args:
        train: What the model learns from.
        outputs: How many classes the model tells apart, None if it does not say.

    Raises:
        UserError: The data have another number of classes.
    """
    classes = classes_of(train)
    if classes and outputs not in (None, len(classes)):
        raise UserError(f'the training data have {len(classes)} classes ({", ".join(classes)}), '
                        f'the model {outputs}: set data_preprocessor.num_classes and '
                        f'model.classifier.head.num_classes to {len(classes)}')
