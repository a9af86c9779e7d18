"""Into the package: python tools/ship_model.py MODEL --name NAME --config CFG --command "..." """
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.export.ship_model:main', 'ship_model_parser'))
