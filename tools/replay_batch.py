"""Repeat the batch that ended a run: python tools/replay_batch.py nonfinite_iter_N_rank0.pth"""
import sys

from ssfer_mm.apis import run_cli
from ssfer_mm.apis.replay_batch import main

if __name__ == '__main__':
    sys.exit(run_cli(main))
