"""The command line of ``tools/run_table.py``."""
import argparse
from pathlib import Path

RESULTS, TEMPLATE, PAGE = Path('docs/results'), 'template.md', Path('RESULTS.md')


def run_table_parser() -> argparse.ArgumentParser:
    """``tools/run_table.py``."""
    parser = argparse.ArgumentParser(
        description='Train or resume whatever a table lacks; regenerate RESULTS.md from the logs.')
    parser.add_argument('table', help='configs/tables/*.yaml')
    parser.add_argument('--only', nargs='+', metavar='ROW', help='these rows only')
    parser.add_argument('--fractions', nargs='+', type=float, metavar='PERCENT')
    parser.add_argument('--seeds', nargs='+', type=int, metavar='SEED')
    parser.add_argument('--dev', action='store_true',
                        help='hold out a part of the training data and test on it: for choosing '
                        'settings. Apart from the real table in every respect')
    parser.add_argument('--jobs', type=int, help='trainings at a time; default: what has room')
    parser.add_argument('--dry-run', action='store_true', help='show the plan and the time only')
    parser.add_argument('--report-only', action='store_true', help='train nothing')
    parser.add_argument('--redo', action='store_true',
                        help='train outdated cells again; their old work dirs are renamed')
    parser.add_argument('--again', action='store_true',
                        help='train the chosen cells anew that are finished; each keeps its result '
                        'until the new one is there')
    parser.add_argument('--resume', action='store_true', help='not needed: the same command '
                        'always goes on with what was begun')
    parser.add_argument('--results', type=Path, default=RESULTS, metavar='DIR',
                        help='kept result files, pictures and template.md; default: docs/results')
    parser.add_argument('--template', help=f'in that folder; default: {TEMPLATE}')
    parser.add_argument('--page', type=Path, default=PAGE, help='default: RESULTS.md')
    return parser
