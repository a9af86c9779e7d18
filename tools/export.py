"""Deploy a classifier: python tools/export.py MODEL DST.onnx|.pt2|.torchscript [--dataset rafdb]"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.export.export_model:main', 'export_parser'))
