"""A contact sheet of SynthFER, one row per class: behind ``tools/browse_synthfer.py``."""
import argparse

from ssfer_mm.apis.output_files import check_picture, save_picture
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.errors import UserError
from ssfer_mm.synthfer import CLASSES, POOLS, SynthFERGenerator, contact_sheet


def main() -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(_run)


def _run() -> None:
    args = _parse()
    if args.columns < 1:
        raise UserError(f'--columns {args.columns}: expected 1 or more')
    check_picture('--out', args.out)
    generator = SynthFERGenerator(args.seed, args.size, args.difficulty)
    sheet = contact_sheet(generator, args.pool, args.columns, args.studio, not args.no_boxes)
    save_picture(args.out, sheet)
    print(f'{args.out}: {len(CLASSES)} classes (rows: {", ".join(CLASSES)}) x {args.columns} faces')


def _parse() -> argparse.Namespace:
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
    return parser.parse_args()
