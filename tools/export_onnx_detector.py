"""The face detector without torch: python tools/export_onnx_detector.py face_detector.onnx"""
import sys

from ssfer_mm.apis.export_onnx_detector import main

if __name__ == '__main__':
    sys.exit(main())
