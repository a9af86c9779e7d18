"""Make the weights file of the embedded face detector from a training checkpoint.

    python tools/export_face_detector.py configs/face_detectors/rtmdet-micro_faces-224px.py \
        work_dirs/rtmdet-micro_faces-224px/epoch_16.pth --force
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.export.export_face_detector:main', 'export_face_detector_parser'))
