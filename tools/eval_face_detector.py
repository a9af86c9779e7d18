"""Measure a face detector on held-out face crops and on scenes composed of them.

    python tools/eval_face_detector.py --sheet worst.png
    python tools/eval_face_detector.py --detector yunet:face_detection_yunet.onnx
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.faces.eval_face_detector:main', 'eval_face_detector_parser'))
