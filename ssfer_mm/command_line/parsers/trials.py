"""Command lines of the tools that put a training to the test."""
import argparse

from .settings import add_settings

# The share of accepted pseudo-labels in the last epochs of ferplus_5pct_vit-micro.
ACCEPTANCE = 0.75
# What tools/soak.py watches: stage I, or one of the stages that a config may have both of.
PRETRAIN, STAGES = 'pretrain', ('supervised', 'semi')


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
    add_settings(parser)
    return parser


def cost_model_parser() -> argparse.ArgumentParser:
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
    add_settings(parser)
    return parser


def crash_test_parser() -> argparse.ArgumentParser:
    """``tools/crash_test.py``."""
    parser = argparse.ArgumentParser(
        description='Train once without interruption, and again killed at random moments and '
        'resumed; compare what they end with. Make the config short with --cfg-options.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--kills', type=int, default=5, help='default: 5')
    parser.add_argument('--seed', type=int, default=0, help='of the moments; default: 0')
    parser.add_argument('--work-dir', help='for whole/ and killed_1/, ..., which a later test '
                        'there replaces; default: ./work_dirs/crash_<config name>')
    add_settings(parser, 'change settings of the config')
    return parser


def replay_batch_parser() -> argparse.ArgumentParser:
    """``tools/replay_batch.py``."""
    parser = argparse.ArgumentParser(
        description='Repeat the iteration that ended a run with a loss or gradients that are not '
                    'finite, and say where it went wrong.')
    parser.add_argument('file', help='nonfinite_iter_*_rank*.pth in the work dir of the run')
    parser.add_argument('--checkpoint', help='try these weights (default: those kept with the '
                                             'batch, or else the newest checkpoint beside it)')
    parser.add_argument('--config', help="the run's config, where its model has parts of your own: "
                                         'it is trusted, and its custom_imports are imported '
                                         '(default: what the file says of it, which runs nothing)')
    parser.add_argument('--device', default='cpu', help='e.g. cuda (default: cpu)')
    return parser


def soak_parser() -> argparse.ArgumentParser:
    """``tools/soak.py``."""
    parser = argparse.ArgumentParser(
        description='Train one stage of a config for many iterations and measure the memory of '
        'the main process and of every worker.',
        epilog='Exit status: 0 if memory is flat, 1 if not, 2 if the command cannot be carried '
        'out, 130 after Ctrl-C.')
    parser.add_argument('config', help='training config')
    parser.add_argument('--stage', choices=[PRETRAIN, *STAGES],
                        help='needed where the config trains two')
    parser.add_argument('--iterations', type=int, default=5000, help='default: 5000')
    parser.add_argument('--tolerance', type=float, default=2., metavar='PERCENT',
                        help='growth after the warm-up that still is flat (default: 2)')
    parser.add_argument('--json', metavar='FILE', help='also write all figures to this file')
    parser.add_argument('--work-dir', help='for log, checkpoints and the curve, memory.png; one '
                        'that holds a run is refused; default: '
                        './work_dirs/soak_<config name>_<stage>, renamed if it holds one')
    add_settings(parser, 'change settings of the config, e.g. train_dataloader.batch_size=8')
    return parser
