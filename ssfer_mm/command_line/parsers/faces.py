"""Command lines of the tools that find faces, cut them out, and measure who finds them."""
import argparse

from ssfer_mm.faces.choose import RULES
from ssfer_mm.subset_names import CONFIG_SUBSETS, CROP_PARTS

# What tools/crop_faces.py writes beside the crops.
MANIFEST, BOXES = 'manifest.jsonl', 'boxes.jsonl'


def detect_faces_parser() -> argparse.ArgumentParser:
    """``tools/detect_faces.py``."""
    parser = argparse.ArgumentParser(
        description='Find the faces of images and write a box file. Stopped, even by kill -9, it '
        'goes on where it was when the same command is given again.',
        epilog='Exit status: 0; 1 if some images could not be read (all others are written); 2 '
        'if the command cannot be carried out; 130 after Ctrl-C.')
    parser.add_argument('images', nargs='+', metavar='IMAGES',
                        help='folder (searched at any depth), image file, or training config '
                        '(.py), whose dataset is taken')
    parser.add_argument('--out', required=True, metavar='FILE.jsonl', help='box file to write')
    parser.add_argument('--overwrite', action='store_true',
                        help='begin anew instead of going on with what --out holds')
    parser.add_argument('--preview', metavar='FILE.png',
                        help='also draw a contact sheet: up to 48 images with boxes and scores, '
                        'half of them images without a face or with several')
    _add_detector_options(parser)
    return parser


def crop_faces_parser() -> argparse.ArgumentParser:
    """``tools/crop_faces.py``."""
    parser = argparse.ArgumentParser(
        description='Cut square faces out of photos, turned upright, with a manifest. Stopped, '
        'even by kill -9, it goes on where it was when the same command is given again.',
        epilog='Exit status: 0; 1 if some images could not be read (all others are done); 2 if '
        'the command cannot be carried out; 130 after Ctrl-C.')
    parser.add_argument('photos', nargs='+', metavar='PHOTOS',
                        help='folder (searched at any depth; sub-folders are kept), image file, '
                        'or training config (.py)')
    parser.add_argument('--out', required=True, metavar='DIR',
                        help=f'folder of the crops, of {MANIFEST} and, without --boxes, {BOXES}')
    parser.add_argument('--boxes', metavar='FILE.jsonl', help='box file, instead of detecting')
    parser.add_argument('--margin', type=float, default=0.25, metavar='M',
                        help="added on each side, as a share of the face box's longer edge "
                        '(default 0.25); past the border, the outermost pixels are repeated')
    parser.add_argument('--size', type=int, default=224, metavar='PX',
                        help='edge of the crops (default 224)')
    parser.add_argument('--choose', choices=['all', *sorted(RULES)], default='all',
                        help="which faces of an image (default all; 'only': none of several)")
    parser.add_argument('--min-score', type=float, default=0., metavar='S',
                        help='leave out faces with a lower score')
    parser.add_argument('--min-face', type=float, default=0., metavar='PX',
                        help='leave out faces whose shorter edge is below this')
    parser.add_argument('--overwrite', action='store_true',
                        help='begin anew instead of going on with what --out holds; the crops '
                        'that its manifest lists are removed')
    _add_detector_options(parser)
    return parser


def eval_face_detector_parser() -> argparse.ArgumentParser:
    """``tools/eval_face_detector.py``."""
    parser = argparse.ArgumentParser(description='Measure a face detector on face crops whose '
                                                 'boxes are known, and on scenes made of them.')
    parser.add_argument('--detector', default='embedded', help='see tools/detect_faces.py')
    parser.add_argument('--weights', help="another weights file for the 'embedded' detector")
    parser.add_argument('--folder', default='data/faces13k/images', help='face crops')
    parser.add_argument('--boxes', default='data/faces13k_boxes.jsonl', help='their boxes')
    parser.add_argument('--part', default='held_out', choices=CROP_PARTS)
    parser.add_argument('--limit', type=int, help='take only so many crops')
    parser.add_argument('--scenes', type=int, default=500, help='composed scenes; 0: none')
    parser.add_argument('--size', type=int, default=224,
                        help='side in px of the scenes, and of the crops of the speed test, which '
                        'are made square')
    parser.add_argument('--threads', type=int, default=2, help='of the speed test')
    parser.add_argument('--sheet', help='write a picture of the worst crops and scenes')
    parser.add_argument('--out', help='write the figures as JSON')
    return parser


def _add_detector_options(parser: argparse.ArgumentParser) -> None:
    """The options of every tool that detects faces."""
    parser.add_argument('--detector', default='embedded', metavar='NAME',
                        help="'embedded' (default), 'fixed', 'yunet:FILE.onnx', or a .py file "
                        'that holds detector = dict(...)')
    parser.add_argument('--score-threshold', type=float, metavar='S',
                        help="drop faces with a lower score (default: the detector's own)")
    parser.add_argument('--batch-size', type=int, default=16, metavar='N',
                        help='images at a time (default 16)')
    parser.add_argument('--workers', type=int, default=1, metavar='N',
                        help='processes, each with a detector of its own and one thread '
                        '(default 1: this process, with all threads)')
    parser.add_argument('--device', help="where the detector runs, e.g. cuda (default: cpu)")
    parser.add_argument('--subset', choices=CONFIG_SUBSETS, default='train',
                        help='which dataset of a config (default train)')
