"""The command lines of ``tools/train.py``, ``test.py``, ``benchmark.py`` and ``cost_model.py``.

Kept apart from what they start, so that ``--help`` and a mistyped option are answered at once:
importing torch and OpenMMLab takes seconds. Nothing here imports them before the arguments are
read.
"""
import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from typing import Optional

from ssfer_mm.command_line.option_values import read_option
from ssfer_mm.errors import UserError
from ssfer_mm.runtime.garbage import collector_rests

# The share of accepted pseudo-labels in the last epochs of ferplus_5pct_vit-micro.
ACCEPTANCE = 0.75


class Settings(argparse.Action):
    """``KEY=VALUE ...``, each value as :func:`read_option` understands it."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        options = copy.copy(getattr(namespace, self.dest, None) or {})
        for setting in values:
            key, given, value = setting.partition('=')
            if not given:
                parser.error(f'{option_string} {setting}: expected KEY=VALUE; a value with blanks '
                             f'goes into quotes, as in "KEY=two words"')
            try:
                options[key] = read_option(value)
            except UserError as error:
                parser.error(f'{option_string} {key}: {error}')
        setattr(namespace, self.dest, options)


def train_parser() -> argparse.ArgumentParser:
    """``tools/train.py``."""
    parser = _parser('Train a model.')
    there = parser.add_mutually_exclusive_group()
    there.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='continue from this checkpoint, or from the last one in the work dir')
    there.add_argument('--redo', action='store_true',
                       help='begin anew where a run has left checkpoints, and rename its folder')
    parser.add_argument('--amp', action='store_true',
                        help='mixed precision, on a GPU or a processor with bfloat16')
    parser.add_argument('--compile', action='store_true',
                        help='let torch compile the networks; for long runs on a GPU')
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help='scale the learning rate by batch size / base_batch_size')
    return parser


def test_parser() -> argparse.ArgumentParser:
    """``tools/test.py``."""
    parser = _parser('Evaluate a checkpoint on the test set.')
    parser.add_argument('checkpoint', help='training checkpoint or exported classifier (.pth)')
    parser.add_argument('--out', metavar='FILE',
                        help='write the metrics (.json) or every prediction (.pkl)')
    parser.add_argument('--tta', action='store_true',
                        help='average the probabilities of each image and its mirror image')
    return parser


test_parser.__test__ = False  # pytest would take it for a test


def benchmark_parser() -> argparse.ArgumentParser:
    """``tools/benchmark.py``."""
    parser = argparse.ArgumentParser(
        description='Time the training stages of configs: whole steps, their phases, the bare '
        'network arithmetic, and a plain implementation, in turns.')
    parser.add_argument('config', nargs='+', help='training configs')
    parser.add_argument('--json', metavar='FILE', help='also write the figures to this file')
    parser.add_argument('--stage', nargs='+', help='only these: pretrain, supervised, semi')
    parser.add_argument('--rounds', type=int, default=7, help='turns of everything (default: 7)')
    parser.add_argument('--block-seconds', type=float, default=3.,
                        help='about how long a turn lasts; at least one step (default: 3)')
    parser.add_argument('--acceptance', type=float, metavar='SHARE',
                        help='accept this share of the pseudo-labels (default: what the '
                        f"checkpoint's networks accept, without one {ACCEPTANCE})")
    parser.add_argument('--checkpoint', help='weights to start from (default: random ones)')
    parser.add_argument('--threads', type=int, help='of torch (default: its own choice)')
    parser.add_argument('--workers', type=int, help="of the loader (default: the config's)")
    parser.add_argument('--no-plain', action='store_true', help='leave the plain steps out')
    parser.add_argument('--detector', default='embedded',
                        help='that the plain step runs in stage II (default: embedded)')
    _add_settings(parser)
    return parser


def cost_parser() -> argparse.ArgumentParser:
    """``tools/cost_model.py``."""
    parser = argparse.ArgumentParser(
        description='Predict what stage I costs on machines with GPUs: its arithmetic is counted, '
        'its input is timed, the rest is assumed and printed.')
    parser.add_argument('config', help='a config of stage I with MAE (configs/mae/mae_*.py)')
    parser.add_argument('--images', type=int, default=1_250_000, help='default: 1250000')
    parser.add_argument('--epochs', type=int, help="default: the config's")
    parser.add_argument('--gpus', type=int, default=8, help='default: 8')
    parser.add_argument('--batch', type=int, metavar='N',
                        help="images per GPU and step (default: the recipe's batch, shared out)")
    parser.add_argument('--devices', nargs='+', default=['v100', 'a100', 'h100', 'rtx4090'],
                        help='GPUs to predict for (default: v100 a100 h100 rtx4090)')
    parser.add_argument('--precision', choices=['float32', 'bfloat16'], default='bfloat16',
                        help='of the matrix products (default: bfloat16)')
    parser.add_argument('--faces', metavar='FOLDER',
                        help="time the config's pipeline on images of this folder")
    parser.add_argument('--worker-rate', type=float, metavar='N',
                        help='or: images per second of one loader process')
    parser.add_argument('--image-bytes', type=float, metavar='N', help='and: of an image file')
    parser.add_argument('--workers', type=int, metavar='N',
                        help="loader processes per GPU (default: the config's)")
    parser.add_argument('--cores', type=float, metavar='N',
                        help='processor cores per GPU (default: one per worker)')
    parser.add_argument('--matrix-share', type=float, default=0.6, metavar='X',
                        help='of the declared matrix rate that is reached (default: 0.6)')
    parser.add_argument('--call-us', type=float, default=10., metavar='X',
                        help='microseconds of the host per operation (default: 10)')
    parser.add_argument('--write-rate', type=float, default=500., metavar='MB',
                        help='of the disk for checkpoints, MB per second (default: 500)')
    parser.add_argument('--json', metavar='FILE', help='also write all of it to this file')
    _add_settings(parser)
    return parser


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='default: ./work_dirs/<config name>')
    _add_settings(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torchrun sets LOCAL_RANK; torch.distributed.launch passes the argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--cfg-options', nargs='+', action=Settings, metavar='KEY=VALUE',
                        help='change settings of the config, e.g. randomness.seed=1')


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
