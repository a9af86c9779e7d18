"""Every dataset's raw layout on disk, made of SynthFER faces.

Each function writes into ``root`` and returns the truth: ``{image id: canonical class name}`` of
all labeled images, so that a test can compare what a dataset reads with what was drawn. Counts
are images per class: one number for all classes, or ``{class: number}``.
"""
import csv
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ssfer_mm import expressions as ex
from ssfer_mm.synthfer import SynthFace, SynthFERGenerator

Counts = int | Mapping[str, int]
Truth = dict[str, str]
_POOLS = {'train': 'train', 'valid': 'test', 'test': 'test'}
_SEEDS = {'train': 0, 'valid': 1, 'test': 2}


@lru_cache(maxsize=4096)
def face(part: str, index: int, expression: str, size: int) -> SynthFace:
    """A face of a given expression; the same one whenever it is asked for."""
    generator = SynthFERGenerator(seed=_SEEDS[part], size=size)
    return generator.render(generator.recipe(_POOLS[part], index, expression=expression))


def faces(part: str, classes: Sequence[str], counts: Counts, size: int) -> list[SynthFace]:
    """Faces of all classes, mixed as they are on real disks; datasets share them."""
    each = {name: counts if isinstance(counts, int) else counts.get(name, 0) for name in classes}
    wanted = [(k, name) for k in range(max(each.values())) for name in classes if k < each[name]]
    return [face(part, 8 * k + ex.AFFECTNET8.index(name), name, size) for k, name in wanted]


def write_image(path: Path, rgb: np.ndarray) -> None:
    """Encode an RGB or grey uint8 array by the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = rgb if rgb.ndim == 2 else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    assert cv2.imwrite(str(path), image)


def grey(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def write_csv(path: Path, rows: Sequence[Sequence]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='') as file:
        csv.writer(file).writerows(rows)


def make_rafdb(root: Path, train: Counts = 6, test: Counts = 2, style: str = 'official',
               size: int = 48) -> Truth:
    """RAF-DB; ``style`` is 'official', 'official_original', 'class_folders' or 'named_folders'."""
    truth, lines = {}, []
    number = {name: raw for raw, name in ex.RAFDB_NUMBERS.items()}
    ending = '' if style == 'official_original' else '_aligned'
    for part, counts in (('train', train), ('test', test)):
        for index, item in enumerate(faces(part, ex.RAFDB7, counts, size), start=1):
            stem = f'{part}_{index:05d}' if part == 'train' else f'{part}_{index:04d}'
            image = f'{stem}{ending}.jpg'
            folder = {'official': 'Image/aligned', 'official_original': 'Image/original',
                      'class_folders': f'DATASET/{part}/{number[item.expression]}',
                      'named_folders': f'{part}/{item.expression}'}[style]
            write_image(Path(root, folder, image), item.image)
            lines.append(f'{stem}.jpg {number[item.expression]}\n')
            truth[f'{part}/{image}'] = item.expression
    if style.startswith('official'):
        path = Path(root, 'EmoLabel', 'list_patition_label.txt')
        path.parent.mkdir(parents=True)
        path.write_text(''.join(lines))
    return truth


def votes_for(expression: str, index: int) -> list[int]:
    """Ten votes that ``expression`` wins, with some noise that depends on ``index``."""
    columns = ex.FERPLUS_VOTE_COLUMNS
    votes = [0] * len(columns)
    votes[columns.index(expression)] = 7
    votes[index % len(columns)] += 2
    votes[(index * 3 + 1) % len(columns)] += 1
    return votes


def make_ferplus(root: Path, train: Counts = 6, valid: Counts = 2, test: Counts = 2,
                 style: str = 'folders', size: int = 48) -> Truth:
    """FERPlus; ``style`` is 'folders' or 'csv'.

    Every part also has an image whose votes say unknown, one that has no face (NF), and, in
    the CSV files, one row without an image name: all three are to be dropped.
    """
    folders = {'train': 'FER2013Train', 'valid': 'FER2013Valid', 'test': 'FER2013Test'}
    usages = {'train': 'Training', 'valid': 'PublicTest', 'test': 'PrivateTest'}
    truth, number = {}, 0
    pixels = [('emotion', 'pixels', 'Usage')]
    votes = [('Usage', 'Image name', *ex.FERPLUS_VOTE_COLUMNS)]
    for part, counts in (('train', train), ('valid', valid), ('test', test)):
        own = [(item.expression, item) for item in faces(part, ex.FERPLUS8, counts, size)]
        spare = face(part, 0, 'neutral', size)
        rows = []
        for winner, item in [('unknown', spare), *own, ('NF', spare)]:
            name = f'fer{number:07d}.png'
            image, ballot = grey(item.image), votes_for(winner, number)
            rows.append((name, f'(0, 0, {size}, {size})', *ballot))
            pixels.append((0, ' '.join(map(str, image.ravel())), usages[part]))
            votes.append((usages[part], name, *ballot))
            number += 1
            if winner in ex.FERPLUS8:
                truth[name] = winner
            if style == 'folders':
                write_image(Path(root, folders[part], name), image)
        pixels.append((0, pixels[-1][1], usages[part]))
        votes.append((usages[part], '', *[0] * 10))
        if style == 'folders':
            write_csv(Path(root, folders[part], 'label.csv'), rows)
    if style == 'csv':
        write_csv(Path(root, 'fer2013.csv'), pixels)
        write_csv(Path(root, 'fer2013new.csv'), votes)
    return truth


def make_affectnet(root: Path, train: Counts = 6, valid: Counts = 2, num_classes: int = 8,
                   style: str = 'csv', size: int = 48) -> Truth:
    """AffectNet; ``style`` is 'csv' (with None/Uncertain/No-Face rows) or 'npy'."""
    classes, truth = ex.AFFECTNET8[:num_classes], {}
    for part, counts in (('train', train), ('valid', valid)):
        items = faces(part, classes, counts, size)
        if style == 'csv':
            truth.update(_affectnet_csv(Path(root), part, items))
        else:
            truth.update(_affectnet_npy(Path(root), part, items))
    return truth


def _affectnet_csv(root: Path, part: str, items: list[SynthFace]) -> Truth:
    folder, truth, rows = root / 'Manually_Annotated_Images', {}, []
    spare = [(face(part, 0, 'neutral', items[0].image.shape[0]), raw) for raw in (8, 9, 10)]
    numbered = [(item, ex.AFFECTNET8.index(item.expression)) for item in items]
    for index, (item, raw) in enumerate(spare[:1] + numbered + spare[1:]):
        name = f'{index % 3 + 1}/{part}{index:04d}abc.jpg'
        write_image(folder / name, item.image)
        x1, y1, x2, y2 = (round(edge) for edge in item.box)
        box = ('NULL',) * 4 if raw == 10 else (x1, y1, x2 - x1, y2 - y1)
        rows.append((name, *box, '10.5;11.2;12.0;13.1', raw, 0.1, -0.2))
        if raw < 8:
            truth[name] = item.expression
    header = ('subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height',
              'facial_landmarks', 'expression', 'valence', 'arousal')
    # The released validation.csv has no header, training.csv has one.
    write_csv(root / ('training.csv' if part == 'train' else 'validation.csv'),
              [header, *rows] if part == 'train' else rows)
    return truth


def _affectnet_npy(root: Path, part: str, items: list[SynthFace]) -> Truth:
    folder, truth = 'train_set' if part == 'train' else 'val_set', {}
    notes = root / folder / 'annotations'
    notes.mkdir(parents=True)
    for index, item in enumerate(items):
        write_image(root / folder / 'images' / f'{index}.jpg', item.image)
        # As released: numbers stored as text.
        np.save(notes / f'{index}_exp.npy', np.array(str(ex.AFFECTNET8.index(item.expression))))
        np.save(notes / f'{index}_val.npy', np.array('0.25'))
        truth[f'{folder}/images/{index}.jpg'] = item.expression
    return truth


def make_fer2013(root: Path, train: Counts = 6, valid: Counts = 2, test: Counts = 2,
                 size: int = 48) -> Truth:
    """``fer2013.csv`` with its own numbering."""
    number = {name: raw for raw, name in ex.FER2013_NUMBERS.items()}
    truth, rows = {}, [('emotion', 'pixels', 'Usage')]
    for part, counts, usage in (('train', train, 'Training'), ('valid', valid, 'PublicTest'),
                                ('test', test, 'PrivateTest')):
        for item in faces(part, ex.FER2013_7, counts, size):
            truth[f'{part}/{len(rows) - 1:05d}.png'] = item.expression
            pixels = ' '.join(map(str, grey(item.image).ravel()))
            rows.append((number[item.expression], pixels, usage))
    write_csv(Path(root, 'fer2013.csv'), rows)
    return truth


def make_class_folders(root: Path, train: Counts = 6, test: Counts = 2, style: str = 'subsets',
                       classes: Sequence[str] = ex.AFFECTNET7,
                       names: Mapping[str, str] | None = None, size: int = 48) -> Truth:
    """Class folders; ``style`` is 'subsets' (train/ and test/) or 'direct' (training images only).

    ``names`` gives the folder name of a class where it is not the canonical one.
    """
    truth = {}
    for part, counts in (('train', train), ('test', test))[:2 if style == 'subsets' else 1]:
        for index, item in enumerate(faces(part, classes, counts, size)):
            folder = (names or {}).get(item.expression, item.expression)
            prefix = f'{part}/' if style == 'subsets' else ''
            id_ = f'{prefix}{folder}/{index:04d}.png'
            write_image(Path(root, id_), item.image)
            truth[id_] = item.expression
    return truth


def make_unlabeled(root: Path, n: int = 12, size: int = 48) -> list[str]:
    """``n`` images, spread over nested folders; returns their sorted paths inside root."""
    names = []
    for index in range(n):
        folder = ('', 'a/', 'b/deep/')[index % 3]
        names.append(f'{folder}{index:04d}.{("jpg", "png")[index % 2]}')
        expression = ex.AFFECTNET8[index % 8]
        write_image(Path(root, names[-1]), face('train', 1000 + index, expression, size).image)
    return sorted(names)
