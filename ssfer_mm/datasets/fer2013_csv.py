"""Reading ``fer2013.csv``, whose images are rows of numbers (FER2013 and FERPlus share it)."""
import math
import os.path as osp
import re

import numpy as np

from ssfer_mm.datasets.files import read_rows
from ssfer_mm.errors import UserError

# A blank must separate two numbers: if none need to, a damaged cell splits in exponential ways.
_PIXELS = re.compile(r'[0-9]{1,9}(?: +[0-9]{1,9})* *')
USAGE_OF_SUBSET = {'train': 'Training', 'valid': 'PublicTest', 'test': 'PrivateTest'}


def subset_parts(subset: str) -> tuple[str, ...]:
    """``'valid+test'`` to its parts, in order."""
    return tuple(subset.split('+'))


def read_columns(path: str, columns: tuple[str, ...]) -> list[list[str]]:
    """The named columns of a CSV file with a header, in the asked order.

    Args:
        path (str): CSV file; its header may be in any case and order.
        columns (tuple[str, ...]): Lower-case column names.

    Raises:
        UserError: A column is missing or a row is too short.
    """
    rows = read_rows(path)
    header = [cell.lower() for cell in rows[0]] if rows else []
    missing = [column for column in columns if column not in header]
    if missing:
        raise UserError(f'{path!r} has columns {[cell[:20] for cell in header[:12]]}, but '
                        f'{", ".join(missing)} is missing; use the original file.')
    places = [header.index(column) for column in columns]
    for line, row in enumerate(rows[1:], start=2):
        if len(row) <= max(places):
            raise UserError(f'{path!r} line {line} has {len(row)} columns, expected at least '
                            f'{max(places) + 1}; the file is cut off or damaged.')
    return [[row[place] for place in places] for row in rows[1:]]


def check_usages(path: str, usages: list[str]) -> None:
    """Refuse rows that belong to no subset, which would be left out without a word.

    Raises:
        UserError: A row says something else; the message names its line.
    """
    for line, usage in enumerate(usages, start=2):
        if usage not in USAGE_OF_SUBSET.values():
            raise UserError(f'{path!r} line {line}: usage {usage[:20]!r} is none of '
                            f'{", ".join(USAGE_OF_SUBSET.values())}; use the original file.')


def parse_pixels(text: str, path: str, line: int) -> np.ndarray:
    """A cell of blank-separated grey values to a square uint8 image (H, H).

    Raises:
        UserError: The values are not 0-255, or not a square number of them.
    """
    # One match for all of them: int alone would take '1_0' and other alphabets' digits.
    numbers = map(int, text.split()) if _PIXELS.fullmatch(text) else [-1]
    values = np.array(list(numbers), dtype=np.int64)
    side = math.isqrt(values.size)
    if side == 0 or side * side != values.size or values.min() < 0 or values.max() > 255:
        raise UserError(f'{osp.basename(path)!r} line {line}: {values.size} pixel values are no '
                        'square grey image with values 0 to 255; the file is damaged.')
    return values.astype(np.uint8).reshape(side, side)
