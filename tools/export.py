"""Deploy a classifier: python tools/export.py MODEL DST.onnx|.pt2|.torchscript [--dataset rafdb]"""
import sys

from ssfer_mm.apis.export_model import main

if __name__ == '__main__':
    sys.exit(main())
