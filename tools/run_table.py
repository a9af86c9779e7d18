"""Train what a table lacks, then write RESULTS.md from the logs.

    python tools/run_table.py configs/tables/ferplus.yaml --dry-run
    python tools/run_table.py configs/tables/ferplus.yaml --only ssfer --fractions 5 --seeds 0
"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.tables.command:command', 'run_table_parser'))
