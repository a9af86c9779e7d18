"""The face detector without torch: python tools/export_onnx_detector.py face_detector.onnx"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.export.export_onnx_detector:main', 'export_onnx_detector_parser'))
