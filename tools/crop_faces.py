"""Cut square faces out of photos.

    python tools/crop_faces.py photos --out crops --margin 0.25 --size 224
    python tools/crop_faces.py photos --out crops --boxes boxes.jsonl --choose largest
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.faces.crop_faces:main', 'crop_faces_parser'))
