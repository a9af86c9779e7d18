"""All stages: python tools/run_ssfer.py CONFIG [--pretrain CONFIG] [--baseline CONFIG]."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.training.all_stages:command', 'run_ssfer_parser'))
