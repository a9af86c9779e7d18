"""Find faces and write a box file.

    python tools/detect_faces.py data/faces13k/images --out data/boxes.jsonl --preview sheet.png
    python tools/detect_faces.py configs/ssfer/rafdb_5pct.py --out data/rafdb_boxes.jsonl
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.faces.detect_faces:main', 'detect_faces_parser'))
