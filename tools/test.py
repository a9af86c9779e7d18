"""Evaluate: python tools/test.py CONFIG CHECKPOINT [--out FILE] ..."""
import sys

from ssfer_mm.apis import run_cli, test_main

if __name__ == '__main__':
    sys.exit(run_cli(test_main))
