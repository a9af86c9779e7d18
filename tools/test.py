"""Evaluate: python tools/test.py CONFIG CHECKPOINT [--out FILE] ..."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.training.commands:test_command', 'test_parser'))
