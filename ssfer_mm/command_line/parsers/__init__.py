"""The command lines of all tools: for ``tools/X.py`` the function ``X_parser``.

Apart from what they start, so that ``--help`` and a mistyped option are answered at once: importing
torch and OpenMMLab takes seconds. Nothing here imports them before a setting of a config is read.
"""
import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Optional

from ssfer_mm.runtime.garbage import collector_rests

from .dataset import (
    browse_facemix_parser,
    browse_synthfer_parser,
    check_data_parser,
    make_split_parser,
    pack_faces_parser,
)
from .export import (
    convert_checkpoint_parser,
    export_face_detector_parser,
    export_onnx_detector_parser,
    export_parser,
    ship_model_parser,
)
from .faces import crop_faces_parser, detect_faces_parser, eval_face_detector_parser
from .tables import run_table_parser
from .training import eval_cross_parser, run_ssfer_parser, test_parser, train_parser
from .trials import (
    benchmark_parser,
    cost_model_parser,
    crash_test_parser,
    replay_batch_parser,
    soak_parser,
)

__all__ = [
    'benchmark_parser', 'browse_facemix_parser', 'browse_synthfer_parser', 'check_data_parser',
    'convert_checkpoint_parser', 'cost_model_parser', 'crash_test_parser', 'crop_faces_parser',
    'detect_faces_parser', 'eval_cross_parser', 'eval_face_detector_parser',
    'export_face_detector_parser', 'export_onnx_detector_parser', 'export_parser',
    'make_split_parser', 'pack_faces_parser', 'replay_batch_parser', 'run_ssfer_parser',
    'run_table_parser', 'run_tool', 'ship_model_parser', 'soak_parser', 'test_parser',
    'train_parser',
]


def run_tool(parser: argparse.ArgumentParser, main: Callable[[], Callable[[], object]],
             resumable: bool = False, argv: Optional[Sequence[str]] = None) -> int:
    """Read the command line, and only then import what does the work, and start it.

    Args:
        parser: Refuses a wrong command line, and answers ``--help``.
        main: Imports the tool's main function and gives it.
        resumable: As in :func:`ssfer_mm.command_line.run.run_cli`.
        argv: The arguments; None takes those of the program.

    Returns:
        Exit status, as of ``run_cli``.
    """
    parser.parse_args(argv)
    try:
        with collector_rests():
            from ssfer_mm.command_line.packages import fill_packages

            fill_packages()
            start = main()
            from ssfer_mm.command_line.run import run_cli
    except KeyboardInterrupt:
        print('\nInterrupted.', file=sys.stderr)
        return 130
    except ImportError as error:
        if type(error).__name__ != 'EnvironmentProblem':
            raise
        print(f'error: {error}', file=sys.stderr)
        return 2
    return run_cli(lambda: start(argv), resumable=resumable)
