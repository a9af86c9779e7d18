"""Look at what FaceMix does to a config's faces: behind ``tools/browse_facemix.py``."""
from pathlib import Path
from typing import Optional, Sequence

from mmpretrain.utils import register_all_modules

from ssfer_mm.apis.output_files import check_picture, save_picture
from ssfer_mm.command_line.parsers import browse_facemix_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError

from .facemix_pairs import facemix_config, preview_pairs, summary
from .facemix_sheet import draw_sheet


def command(arguments: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: facemix_main(arguments))


def facemix_main(arguments: Optional[Sequence[str]] = None) -> None:
    """``tools/browse_facemix.py``: draw pairs of a config's faces and write a picture.

    Raises:
        UserError: The config or its data cannot be used, or the picture cannot be written.
    """
    args = browse_facemix_parser().parse_args(arguments)
    if not 0 <= args.seed < 2**32:
        raise UserError(f'--seed {args.seed}: expected 0 to {2**32 - 1}')
    check_picture('--out', args.out)
    cfg = load_config(args.config, args.cfg_options)
    register_all_modules(init_default_scope=True)
    pairs = preview_pairs(cfg, args.pairs, args.seed)
    facemix = facemix_config(cfg)
    extent = facemix.get('extent', 'visible')
    source = f'{Path(args.config).name}, seed {args.seed}'
    save_picture(args.out, draw_sheet(pairs, source, extent))
    print(f'{args.out}: {len(pairs)} pairs, {summary(pairs, extent)}')
