"""Train what a table lacks, then write RESULTS.md from the logs.

    python tools/run_table.py configs/tables/ferplus.yaml --dry-run
    python tools/run_table.py configs/tables/ferplus.yaml --only ssfer --fractions 5 --seeds 0
"""
import sys

from ssfer_mm.apis import run_cli
from ssfer_mm.cli import go_on_hint
from ssfer_mm.tables.command import main

if __name__ == '__main__':
    sys.exit(run_cli(main, after_interrupt=go_on_hint('--redo')))
