"""Convert weights: python tools/convert_checkpoint.py SRC DST [--dataset rafdb] ..."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.export.convert_checkpoint:main', 'convert_checkpoint_parser'))
