"""Does a long training take more and more memory? python tools/soak.py CONFIG --stage semi"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.trials.soak:main', 'soak_parser'))
