"""A contact sheet of SynthFER, one row per class: behind ``tools/browse_synthfer.py``."""
import argparse
from typing import Optional, Sequence

from ssfer_mm.apis.output_files import check_picture, save_picture
from ssfer_mm.command_line.parsers import browse_synthfer_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.errors import UserError
from ssfer_mm.synthfer import CLASSES, SynthFERGenerator, contact_sheet


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(browse_synthfer_parser().parse_args(arguments)))


def _run(args: argparse.Namespace) -> None:
    if args.columns < 1:
        raise UserError(f'--columns {args.columns}: expected 1 or more')
    check_picture('--out', args.out)
    generator = SynthFERGenerator(args.seed, args.size, args.difficulty)
    sheet = contact_sheet(generator, args.pool, args.columns, args.studio, not args.no_boxes)
    save_picture(args.out, sheet)
    print(f'{args.out}: {len(CLASSES)} classes (rows: {", ".join(CLASSES)}) x {args.columns} faces')
