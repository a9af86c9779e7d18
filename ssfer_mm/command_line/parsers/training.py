"""Command lines of the tools that train and evaluate."""
import argparse

from .settings import add_settings


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


def run_ssfer_parser() -> argparse.ArgumentParser:
    """``tools/run_ssfer.py``."""
    parser = argparse.ArgumentParser(
        description='Run stage I, stages II and III, and a baseline; compare them.')
    parser.add_argument('config', help='config of stages II and III (configs/ssfer/*.py)')
    parser.add_argument('--pretrain', metavar='CONFIG',
                        help='config of stage I; default: the weights that CONFIG names')
    parser.add_argument('--baseline', metavar='CONFIG', help='a config to compare with')
    parser.add_argument('--work-dir', help='default: ./work_dirs/<config name>_all-stages')
    add_settings(parser, 'change settings of the config and the baseline', default={})
    add_settings(parser, 'change settings of stage I', '--pretrain-options', default={})
    parser.add_argument('--resume', action='store_true', help='not needed: the same command '
                        'always goes on with what was begun')
    return parser


def eval_cross_parser() -> argparse.ArgumentParser:
    """``tools/eval_cross.py``."""
    parser = argparse.ArgumentParser(
        description='Accuracy of a recognizer on a data set that it was not trained on.')
    parser.add_argument('model', help='exported classifier (.pth, .safetensors, .onnx) or a name')
    parser.add_argument('--data', default='Faces13k', help='data set type; default: Faces13k')
    parser.add_argument('--data-root', help='its folder; default: as in the configs')
    parser.add_argument('--subset',
                        help='default: all of Faces13k, valid of FERPlus, test of others')
    parser.add_argument('--detector', default='whole',
                        help="'whole' (images are faces; default), 'embedded', a file")
    parser.add_argument('--margin', type=float, help="around a detected face; default: the model's")
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--title', help='name of the model in the results page')
    parser.add_argument('--out', metavar='FILE.json',
                        help='write the figures; in docs/results/cross they enter RESULTS.md')
    return parser


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='default: ./work_dirs/<config name>')
    add_settings(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torchrun sets LOCAL_RANK; torch.distributed.launch passes the argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser
