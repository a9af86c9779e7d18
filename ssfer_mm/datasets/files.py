"""Finding files on disk and saying clearly what was found instead."""
import csv
import itertools
import os
import os.path as osp
from collections.abc import Iterable, Iterator, Sequence

from mmengine.dist import is_main_process

from ssfer_mm.command_line.progress import progress
from ssfer_mm.errors import UserError
from ssfer_mm.images.files import is_hidden_folder


def resolve_root(data_root: str, dataset: str) -> str:
    """Expand ``~`` and check that the folder exists.

    Raises:
        UserError: There is no such folder.
    """
    if not data_root:
        raise UserError(f'{dataset} needs data_root, the folder with its files; '
                        'set data_root in the dataset config, or give --data-root.')
    root = osp.expanduser(os.fspath(data_root))
    if osp.isfile(root):
        raise UserError(f'{dataset}: {root!r} is a file, expected a folder; unpack it if it is an '
                        'archive, and set data_root to the folder.')
    if not osp.isdir(root):
        raise UserError(f'{dataset}: the folder {root!r} does not exist (looked from '
                        f'{os.getcwd()!r}); set data_root to the folder that holds the data.')
    return root


def subfolders(folder: str) -> list[str]:
    """Names of the visible folders directly inside a folder, sorted."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries
                      if entry.is_dir() and not is_hidden_folder(entry.name))


def first_existing(root: str, candidates: Sequence[str]) -> str | None:
    """The first of several relative paths that exists under ``root``, joined, or None."""
    for candidate in candidates:
        path = osp.join(root, candidate)
        if osp.exists(path):
            return path
    return None


def distinct(names: Iterable[str]) -> list[str]:
    """The same names, where one has been there already with ``-2``, ``-3`` and so on.

    Example:
        >>> distinct(['a', 'b', 'a', 'a-2'])
        ['a', 'b', 'a-2', 'a-2-2']
    """
    result: dict[str, None] = {}
    for name in names:
        numbered = (f'{name}-{number}' for number in itertools.count(2))
        result[next(own for own in itertools.chain([name], numbered) if own not in result)] = None
    return list(result)


def describe_folder(folder: str) -> str:
    """One phrase about a folder's content, for error messages: its first few entries."""
    if not osp.isdir(folder):
        return f'{folder!r} is missing'
    with os.scandir(folder) as entries:
        names = sorted(entry.name + ('/' if entry.is_dir() else '') for entry in entries)
    if not names:
        return f'{folder!r} is empty'
    more = f' and {len(names) - 5} more' if len(names) > 5 else ''
    return f'{folder!r} holds {", ".join(names[:5])}{more}'


def wrong_layout(dataset: str, root: str, expected: str) -> UserError:
    """The error for a folder that exists but is not laid out as the dataset is."""
    return UserError(f'{dataset}: {describe_folder(root)}; expected {expected}. '
                     'Point data_root at the folder that holds these.')


def require_files(dataset: str, folder: str, names: Iterable[str], listed_in: str) -> None:
    """Check that every listed file is in one folder, reading the folder once.

    Raises:
        UserError: Some are missing; the message counts them and names the first.
    """
    if not osp.isdir(folder):
        raise UserError(f'{dataset}: the image folder {folder!r} does not exist; '
                        'unpack the images there.')
    present = set(os.listdir(folder))
    names = list(names)
    missing = [name for name in names if name not in present]
    if missing:
        raise UserError(f'{dataset}: {len(missing)} of {len(names)} images listed in '
                        f'{listed_in!r} are not in {folder!r}, the first is {missing[0][:80]!r}; '
                        'unpack the images again.')


def iter_rows(path: str) -> Iterator[list[str]]:
    """The non-empty rows of a CSV file one by one, cells stripped of blanks.

    Raises:
        UserError: The file is not UTF-8 text, or not CSV.
    """
    # A row of fer2013.csv holds a whole image in one cell.
    csv.field_size_limit(1 << 24)
    try:
        with open(path, newline='', encoding='utf-8-sig') as file:
            for row in csv.reader(file):
                if row:
                    yield [cell.strip() for cell in row]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise UserError(f'{path!r} is not a readable CSV text file ({error}); '
                        'download it again.') from error


def iter_lines(path: str) -> Iterator[str]:
    """The lines of a text file one by one.

    Raises:
        UserError: The file cannot be read, or is not UTF-8 text.
    """
    try:
        with open(path, encoding='utf-8-sig') as file:
            yield from file
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(f'{path!r} is not a readable text file ({error}); '
                        'download it again.') from error


def whole_number(text: str) -> int | None:
    """The number that plain digits mean, None for anything else.

    ``int`` also takes '1_0', other alphabets' digits, and as many digits as it likes.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def finite_number(text: str) -> float | None:
    """The number that a text means, None where it is none, infinite, or beyond any image."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if '_' not in text and abs(number) < 1e6 else None


def read_rows(path: str) -> list[list[str]]:
    """All rows of :func:`iter_rows`."""
    return list(iter_rows(path))


def with_bar(items: Sequence, what: str, least: int = 5000) -> Iterator:
    """Iterate with a progress bar, shown on the main process and for long work only."""
    shown = len(items) >= least and is_main_process()
    if shown:
        print(f'{what} ({len(items)})', flush=True)
    return progress(items, len(items), 'item', shown)
