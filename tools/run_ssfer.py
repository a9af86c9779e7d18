"""All stages: python tools/run_ssfer.py CONFIG [--pretrain CONFIG] [--baseline CONFIG]."""
import sys

from ssfer_mm.apis import run_cli
from ssfer_mm.apis.all_stages import main

if __name__ == '__main__':
    sys.exit(run_cli(main))
