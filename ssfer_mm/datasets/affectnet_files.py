"""Reading AffectNet's two releases; labels stay in its own numbering, 0 to 10."""
import hashlib
import json
import os
import os.path as osp
from collections import Counter

from ssfer_mm.datasets.base import Box, Sample
from ssfer_mm.datasets.files import (
    describe_folder,
    finite_number,
    first_existing,
    iter_rows,
    require_files,
    with_bar,
)
from ssfer_mm.datasets.npy_file import load_npy
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write

_COLUMNS = ('subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height',
            'facial_landmarks', 'expression', 'valence', 'arousal')
_IMAGE_FOLDERS = ('Manually_Annotated_Images', 'Manually_Annotated/Manually_Annotated_Images')
_CACHE = '.ssfer_mm_labels.json'


def read_affectnet_csv(root: str, table: str) -> list[Sample]:
    """All rows of ``training.csv`` or ``validation.csv``, with their face boxes.

    Ids are the listed paths; a path that is listed again (a second face) gets ``#2``.

    Raises:
        UserError: Wrong columns, an expression outside 0-10, no image folder.
    """
    folder = first_existing(root, _IMAGE_FOLDERS)
    if folder is None:
        raise UserError(f'AffectNet: {table!r} is there but its images are not: '
                        f'{describe_folder(root)}; expected {" or ".join(_IMAGE_FOLDERS)}, unpack '
                        'the images there.')
    samples, times = [], Counter()
    for line, row in enumerate(iter_rows(table), start=1):
        if line == 1 and row[0] == _COLUMNS[0]:
            continue  # the released validation.csv comes without a header
        if len(row) != len(_COLUMNS):
            raise UserError(f'{table!r} line {line} has {len(row)} columns, expected '
                            f'{len(_COLUMNS)} ({", ".join(_COLUMNS)}); use the original file.')
        path = row[0].replace('\\', '/')
        times[path] += 1
        samples.append(Sample(
            id=path if times[path] == 1 else f'{path}#{times[path]}',
            path=osp.join(folder, path), box=_corners(row[1:5]),
            label=_expression(row[6], f'{table!r} line {line}')))
    for sample in samples[:1]:
        require_files('AffectNet', osp.dirname(sample.path), [osp.basename(sample.path)], table)
    return samples


def read_affectnet_npy(root: str, part: str) -> list[Sample]:
    """All images of ``train_set`` or ``val_set`` with their ``annotations/<id>_exp.npy``.

    Raises:
        UserError: No annotations, an annotation without image, an expression outside 0-10.
    """
    images, annotations = osp.join(root, part, 'images'), osp.join(root, part, 'annotations')
    # A Mac puts '._0_exp.npy' beside '0_exp.npy'.
    names = sorted((name for name in os.listdir(annotations)
                    if name.endswith('_exp.npy') and not name.startswith('.')),
                   key=lambda name: (len(name), name))
    if not names:
        raise UserError(f'AffectNet: {describe_folder(annotations)}; expected <id>_exp.npy files, '
                        'unpack the annotations there.')
    files = [name.removesuffix('_exp.npy') + '.jpg' for name in names]
    require_files('AffectNet', images, files, annotations)
    labels = _cached_labels(annotations, names, osp.join(root, part, _CACHE))
    return [Sample(id=f'{part}/images/{file}', path=osp.join(images, file), label=label)
            for file, label in zip(files, labels)]


def _cached_labels(folder: str, names: list[str], cache: str) -> list[int]:
    """The labels of all files, from the cache if it was made for these very files."""
    # A file that is written over, as a corrected label is, leaves the folder's time as it was.
    times = [str(os.stat(osp.join(folder, name)).st_mtime_ns) for name in names]
    key = hashlib.sha256('\n'.join([*names, *times]).encode('utf-8', 'surrogateescape')).hexdigest()
    try:
        with open(cache, encoding='utf-8') as file:
            content = json.load(file)
        labels = content['labels']
        if content['key'] == key and content['check'] == _check(labels) \
                and len(labels) == len(names) and set(labels) <= set(range(11)):
            return labels
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # absent or damaged: it is only a cache
    labels = [_npy_label(osp.join(folder, name))
              for name in with_bar(names, f'Reading AffectNet annotations in {folder}')]
    try:
        with atomic_write(cache) as file:
            json.dump(dict(key=key, labels=labels, check=_check(labels)), file)
    except OSError:
        pass  # a read-only data folder works too, only slower
    return labels


def _check(labels: list[int]) -> str:
    """A changed digit in the cache would be a wrong label."""
    return hashlib.sha256(json.dumps(labels).encode()).hexdigest()


def _npy_label(path: str) -> int:
    try:
        value = load_npy(path)
        if value.size != 1:
            raise ValueError(f'{value.size} values instead of one')
    except (OSError, ValueError) as error:
        raise UserError(f'{path!r} is not a readable annotation ({error}); unpack it '
                        'again.') from error
    # The release stores numbers as text.
    return _expression(str(value.item()), repr(path))


def _expression(text: str, where: str) -> int:
    number = finite_number(text)
    if number not in range(11):
        raise UserError(f'{where}: expression {text[:20]!r} is out of range, AffectNet numbers '
                        'expressions 0 to 10; correct it, or unpack the file again.')
    return int(number)


def _corners(cells: list[str]) -> Box | None:
    """x, y, width, height to corners; None where the file has no face ('NULL' or empty box)."""
    numbers = [finite_number(cell) for cell in cells]
    if None in numbers:
        return None
    x, y, width, height = numbers
    return (x, y, x + width, y + height) if width > 0 and height > 0 else None
