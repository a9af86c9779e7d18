"""How fast configs train: python tools/benchmark.py CONFIG... [--json FILE]"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.trials.benchmark:command', 'benchmark_parser'))
