"""Look at FaceMix: python tools/browse_facemix.py CONFIG --out facemix.png [--pairs 8] ..."""
import sys

from ssfer_mm.apis import run_cli
from ssfer_mm.apis.facemix_preview import facemix_main

if __name__ == '__main__':
    sys.exit(run_cli(facemix_main))
