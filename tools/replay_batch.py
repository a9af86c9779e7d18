"""Repeat the batch that ended a run: python tools/replay_batch.py nonfinite_iter_N_rank0.pth"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.trials.replay_batch:command', 'replay_batch_parser'))
