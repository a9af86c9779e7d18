"""Train: python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]] ..."""
import sys

from ssfer_mm.apis import run_cli, train_main

if __name__ == '__main__':
    sys.exit(run_cli(train_main, resumable=True))
