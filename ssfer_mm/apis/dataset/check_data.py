"""Whether the data of a config are fit to train on: the work behind ``tools/check_data.py``."""
import argparse
import sys
from dataclasses import dataclass
from typing import List, Optional, Sequence

from ssfer_mm.apis.output_files import check_output, check_picture
from ssfer_mm.audit.check_boxes import check_boxes
from ssfer_mm.audit.check_files import check_files
from ssfer_mm.audit.check_labels import check_classes
from ssfer_mm.audit.check_overlap import Pair, check_overlap
from ssfer_mm.audit.duplicates import find_near_copies
from ssfer_mm.audit.facts_cache import FactsCache
from ssfer_mm.audit.findings import ERROR, WARNING, Finding
from ssfer_mm.audit.parts import Part
from ssfer_mm.command_line.parsers import check_data_parser
from ssfer_mm.command_line.parsers.dataset import CACHE
from ssfer_mm.command_line.run import go_on_hint, run_cli
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError

from .check_data_parts import data_of_configs
from .check_data_report import report, save_json
from .copies_sheet import save_copies_sheet
from .look_at_images import look_at_images


@dataclass(frozen=True)
class DataCheck:
    """The result of a check.

    Attributes:
        parts: The parts of the data.
        findings: What was found.
        pairs: All copies, across parts first.
    """
    parts: List[Part]
    findings: List[Finding]
    pairs: List[Pair]

    def status(self, strict: bool = False) -> int:
        """0 if the data are sound, 1 if not; with ``strict`` warnings count too."""
        bad = (ERROR, WARNING) if strict else (ERROR,)
        return int(any(finding.severity in bad for finding in self.findings))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command.

    Returns:
        Exit status: 0 if the data are sound, 1 if not, 2 for an error of the user's, 130 after
        Ctrl-C.
    """
    return run_cli(lambda: _run(check_data_parser().parse_args(arguments)),
                   after_interrupt=go_on_hint())


def check_data(configs: Sequence[str], options: Optional[dict] = None, fast: bool = False,
               cache: Optional[str] = None, workers: Optional[int] = None) -> DataCheck:
    """Check the data of a training, or of a training and its stage I.

    Args:
        configs: Config files.
        options: Settings that replace those of all configs, dotted key -> value.
        fast: Read ids and headers only; no copies by content, no sizes.
        cache: An SQLite file that keeps what was seen; None does without.
        workers: Number of processes; None: as many as are worth it.

    Raises:
        UserError: A config cannot be read, or names no data.
    """
    data = data_of_configs([load_config(config, options) for config in configs])
    store = FactsCache(cache) if cache and not fast else None
    look_at_images(data.parts, not fast, store, workers)
    findings = list(data.findings)
    for part in data.parts:
        findings += check_classes(part) + check_files(part) + check_boxes(part)
    copies = find_near_copies([facts for part in data.parts if not part.drawn
                              for facts in part.facts])
    overlap, pairs = check_overlap(data.parts, copies)
    return DataCheck(data.parts, findings + overlap, pairs)


def _run(args: argparse.Namespace) -> int:
    if args.workers is not None and args.workers < 1:
        raise UserError(f'--workers {args.workers}: give 1 or more')
    if args.fast and args.sheet:
        raise UserError('--sheet shows copies, which --fast does not look for: leave one out')
    check_output('--json', args.json)
    check_picture('--sheet', args.sheet)
    cache = None if args.no_cache else args.cache or _default_cache()
    checked = check_data(args.configs, args.cfg_options, args.fast, cache, args.workers)
    print(report(checked.parts, checked.findings, args.names, args.fast))
    if args.json:
        save_json(args.json, args.configs, checked.parts, checked.findings, checked.pairs)
        print(f'{args.json}: everything, with all names')
    if args.sheet and checked.pairs:
        save_copies_sheet(args.sheet, checked.pairs)
        print(f'{args.sheet}: copies side by side')
    elif args.sheet:
        print(f'{args.sheet}: not written, there are no copies')
    return checked.status(args.strict)


def _default_cache() -> Optional[str]:
    """The user's cache, if it can be used; it only saves time."""
    try:
        FactsCache(CACHE)
    except UserError as error:
        print(f'going on without a cache: {error}', file=sys.stderr)
        return None
    return CACHE
