"""Does a long training take more and more memory? python tools/soak.py CONFIG --stage semi"""
import sys

from ssfer_mm.apis.soak import main

if __name__ == '__main__':
    sys.exit(main())
