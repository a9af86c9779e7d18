"""Into the package: python tools/ship_model.py MODEL --name NAME --config CFG --command "..." """
import sys

from ssfer_mm.apis.ship_model import main

if __name__ == '__main__':
    sys.exit(main())
