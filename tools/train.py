"""Train: python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]] ..."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.training.commands:train_command', 'train_parser'))
