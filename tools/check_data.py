"""Check the data of a config before training on them.

    python tools/check_data.py configs/ssfer/ferplus_5pct_vit-micro.py --sheet copies.png
    python tools/check_data.py configs/ssfer/my-faces_resnet-nano.py configs/mae/my_stage1.py
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.dataset.check_data:main', 'check_data_parser'))
