"""Kill a training at random moments, resume it, compare: python tools/crash_test.py CONFIG ..."""
import sys

from ssfer_mm.apis.crash_test import main

if __name__ == '__main__':
    sys.exit(main())
