"""Test a recognizer on a data set that it was not trained on.

    python tools/eval_cross.py work_dirs/ferplus_5pct_vit-micro/classifier_semi.pth
    python tools/eval_cross.py MODEL --data FERPlus --subset valid --out docs/results/cross/x.json
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.training.eval_cross:command', 'eval_cross_parser'))
