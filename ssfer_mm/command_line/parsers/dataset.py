"""Command lines of the tools that look at data, split and pack them."""
import argparse
import os

from ssfer_mm.subset_names import POOLS

from .settings import add_settings

# Where tools/check_data.py keeps what it saw of each file.
CACHE = os.path.join('~', '.cache', 'ssfer_mm', 'images.sqlite')


def check_data_parser() -> argparse.ArgumentParser:
    """``tools/check_data.py``."""
    parser = argparse.ArgumentParser(
        description='Check the data of a training config: unreadable images, unusual modes, EXIF '
        'rotation, classes, boxes, split, and copies inside and across its parts.',
        epilog='Exit status: 0 if training would be sound; 1 if not (errors; with --strict also '
        'warnings); 2 if the command cannot be carried out; 130 after Ctrl-C.')
    parser.add_argument('configs', nargs='+', metavar='CONFIG',
                        help='training config of any stage; several are checked against each '
                        'other, e.g. stage I against the test set of stages II and III')
    add_settings(parser, 'change settings of the configs')
    parser.add_argument('--fast', action='store_true',
                        help='ids and file headers only: no copies by content, no box sizes')
    parser.add_argument('--strict', action='store_true', help='warnings count as errors')
    parser.add_argument('--json', metavar='FILE', help='also write everything, with all names')
    parser.add_argument('--sheet', metavar='FILE.png',
                        help='also draw copies side by side, across parts if there are any')
    parser.add_argument('--names', type=int, default=3, metavar='N',
                        help='names to print with each finding (default 3)')
    parser.add_argument('--workers', type=int, metavar='N',
                        help='processes (default: one per core where there is much to read)')
    parser.add_argument('--cache', metavar='FILE',
                        help=f'keeps what was seen of each file (default {CACHE})')
    parser.add_argument('--no-cache', action='store_true', help='read every file again')
    return parser


def make_split_parser() -> argparse.ArgumentParser:
    """``tools/make_split.py``."""
    parser = argparse.ArgumentParser(
        description='Choose the labeled images of a dataset and write them to a split file.')
    parser.add_argument('config', nargs='?', help='training config that names the dataset')
    parser.add_argument('--dataset', help='dataset type, e.g. FERPlus, instead of a config')
    parser.add_argument('--data-root', help='folder of the data; overrides the config')
    size = parser.add_mutually_exclusive_group()
    size.add_argument('--fraction', type=float, help='labeled share of each class, e.g. 0.05')
    size.add_argument('--per-class', type=int, help='labeled images of each class')
    size.add_argument('--ids', metavar='LIST', help='text file with the ids of the labeled images, '
                      'one per line, to use those of somebody else')
    parser.add_argument('--seed', type=int, help='another seed, other images (default 0)')
    parser.add_argument('--out', help='file to write (default: as in the config, or in splits/)')
    parser.add_argument('--force', action='store_true', help='replace a file with another split')
    return parser


def pack_faces_parser() -> argparse.ArgumentParser:
    """``tools/pack_faces.py``."""
    parser = argparse.ArgumentParser(
        description='Pack face images into tar shards with a manifest, checksums and an index. '
        'The same command goes on where it was stopped.')
    parser.add_argument('inputs', nargs='*', metavar='INPUT',
                        help='folder of images, .rec file, .tar or .zip (or a folder of them), '
                        'or LMDB; several are packed one after the other')
    parser.add_argument('--out', help='folder for the shards')
    parser.add_argument('--images-per-shard', type=int, default=10000, help='default 10000')
    parser.add_argument('--decode', action='store_true',
                        help='decode every image to find damaged ones, not only headers and ends')
    parser.add_argument('--max-unreadable', type=float, default=0.05,
                        help='share of unreadable images past which to stop (default 0.05)')
    parser.add_argument('--overwrite', action='store_true', help='begin anew')
    parser.add_argument('--verify', metavar='FOLDER', help='compare shards with their checksums')
    return parser


def browse_facemix_parser() -> argparse.ArgumentParser:
    """``tools/browse_facemix.py``."""
    parser = argparse.ArgumentParser(
        description='Draw pairs of faces, their boxes and their mixtures, as a config makes them.')
    parser.add_argument('config', help='training config with FaceMix')
    parser.add_argument('--out', default='facemix.png', help='picture to write')
    parser.add_argument('--pairs', type=int, default=8, help='how many pairs (default 8)')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other pairs')
    add_settings(parser, 'change settings of the config')
    return parser


def browse_synthfer_parser() -> argparse.ArgumentParser:
    """``tools/browse_synthfer.py``."""
    parser = argparse.ArgumentParser(
        description='Draw a contact sheet of SynthFER: one row per class, intensity growing to the '
                    'right.')
    parser.add_argument('--out', default='synthfer.png', help='picture to write (.png or .jpg)')
    parser.add_argument('--size', type=int, default=112, help='side of one face in pixels')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other people')
    parser.add_argument('--pool', choices=POOLS, default='train', help='whose people to show')
    parser.add_argument('--columns', type=int, default=10, help='people per row')
    parser.add_argument('--difficulty', type=float, default=1., help='0 (clear) to 3 (hard)')
    parser.add_argument('--studio', action='store_true',
                        help='textbook expressions in a plain studio')
    parser.add_argument('--no-boxes', action='store_true', help='do not draw the face boxes')
    return parser
