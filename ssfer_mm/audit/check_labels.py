"""Labels: images per class, and a split against the data it is used with."""
from collections import Counter
from typing import List, Optional, Sequence

import numpy as np

from ssfer_mm.datasets.splits import Split, data_hash

from .findings import ERROR, WARNING, Finding, about
from .parts import Part


def class_counts(part: Part) -> Optional[dict]:
    """Class name -> number of images; None for a part without labels."""
    if part.labels is None:
        return None
    numbers = np.bincount(part.labels, minlength=len(part.classes))
    return {name: int(number) for name, number in zip(part.classes, numbers)}


def check_classes(part: Part) -> List[Finding]:
    """Classes that a labeled or held-out part has no image of."""
    found = class_counts(part)
    empty = [name for name, number in (found or {}).items() if number == 0]
    if part.role == 'labeled':
        return about(ERROR, 'empty class', part.name, empty,
                     f'of {len(part.classes)} classes have no labeled image: they can never be '
                     'learned', 'Label some, or remove the class from the config.')
    return about(WARNING, 'empty class', part.name, empty,
                 f'of {len(part.classes)} classes have no image: its mean class accuracy is over '
                 'the others')


def split_findings(split: Split, dataset: str, classes: Sequence[str], ids: Sequence[str],
                   labels: Sequence[int]) -> List[Finding]:
    """Everything in which a split differs from the data; training refuses each of these.

    Args:
        split: The split.
        dataset: Name of the dataset of the config.
        classes: Its classes.
        ids: Of all images that the split chooses from.
        labels: Their labels.
    """
    again = ('Use the data it was made for, or draw a new one: python tools/make_split.py CONFIG '
             '--out FILE.')
    findings = []
    if split.dataset != dataset or split.classes != tuple(classes):
        findings.append(Finding(
            ERROR, 'split', 'labeled', f'the split is of {split.dataset} with the classes '
            f'{", ".join(split.classes)}; the data is {dataset} with {", ".join(classes)}', again))
    label_of = dict(zip(ids, labels))
    findings += about(ERROR, 'split ids', 'labeled',
                      [name for name in split.labeled if name not in label_of],
                      f'of {len(split.labeled):,} labeled ids of the split are not in the data',
                      again)
    now = Counter(split.classes[label_of[name]] for name in split.labeled
                  if name in label_of and label_of[name] < len(split.classes))
    findings += about(ERROR, 'split labels', 'labeled',
                      [f'{name}: {labeled} then, {now[name]} now'
                       for name, (labeled, _) in split.counts.items() if now[name] != labeled],
                      'classes have another number of labeled images than when the split was '
                      'drawn: labels or files have changed', again)
    if not findings and data_hash(ids, labels) != split.data_hash:
        was = sum(total for _, total in split.counts.values())
        findings.append(Finding(
            ERROR, 'split hash', 'labeled', f'ids or labels have changed since the split was '
            f'drawn: from {was:,} images then, {len(ids):,} now (hash {split.data_hash[:12]} '
            f'then, {data_hash(ids, labels)[:12]} now)', again))
    return findings
