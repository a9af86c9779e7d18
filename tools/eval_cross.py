"""Test a recogniser on a data set that it was not trained on.

    python tools/eval_cross.py work_dirs/ferplus_5pct_vit-micro/classifier_semi.pth
    python tools/eval_cross.py MODEL --data FERPlus --subset valid --out docs/results/cross/x.json
"""
import sys

from ssfer_mm.apis import run_cli
from ssfer_mm.apis.eval_cross import main

if __name__ == '__main__':
    sys.exit(run_cli(main))
