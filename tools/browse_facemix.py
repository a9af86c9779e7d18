"""Look at FaceMix: python tools/browse_facemix.py CONFIG --out facemix.png [--pairs 8] ..."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.dataset.facemix_preview:command', 'browse_facemix_parser'))
