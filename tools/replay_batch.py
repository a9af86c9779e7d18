"""Look into a batch that ended a run: python tools/replay_batch.py WORK_DIR/nonfinite_iter_...pth"""
import sys

from ssfer_mm.apis import run_cli
from ssfer_mm.apis.replay_batch import main

if __name__ == '__main__':
    sys.exit(run_cli(main))
