"""Kill a training at random moments, resume it, compare: python tools/crash_test.py CONFIG ..."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.trials.crash_test:main', 'crash_test_parser'))
