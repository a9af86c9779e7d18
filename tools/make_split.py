"""Choose the labeled images of a dataset and write them to a split file.

    python tools/make_split.py configs/ssfer/ferplus_5pct_vit-micro.py
    python tools/make_split.py --dataset FERPlus --data-root data/ferplus --fraction 0.05 --seed 1
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.dataset.make_split:main', 'make_split_parser'))
