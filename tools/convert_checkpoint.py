"""Convert weights: python tools/convert_checkpoint.py SRC DST [--dataset rafdb] ..."""
import sys

from ssfer_mm.apis.convert_checkpoint import main

if __name__ == '__main__':
    sys.exit(main())
