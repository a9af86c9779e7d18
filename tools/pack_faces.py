"""Pack face images into tar shards (WebDataset layout) with a manifest, checksums and an index.

    python tools/pack_faces.py data/faces --out data/faces_shards
    python tools/pack_faces.py faces_emore/train.rec more/ --out data/faces_shards
    python tools/pack_faces.py --verify data/faces_shards
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.dataset.pack_faces:main', 'pack_faces_parser'))
