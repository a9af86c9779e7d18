"""The work behind ``tools/run_table.py``."""
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from ssfer_mm.command_line.parsers import run_table_parser
from ssfer_mm.command_line.parsers.tables import TEMPLATE
from ssfer_mm.command_line.printing import counted, duration
from ssfer_mm.command_line.run import go_on_hint, run_cli
from ssfer_mm.errors import UserError
from ssfer_mm.files.set_aside import set_aside

from . import markdown
from .child import Busy, claimed
from .estimate import Estimates
from .execute import Execution, Outcome
from .figures import Cells, cells_folder, collect
from .machine import default_jobs
from .plan import Run, choose, plan, with_needs
from .results_page import check_template, names_table, write_page
from .spec import Table, load_table
from .state import Results, State, begin_again, holds_other, is_begun_again


def command(argv: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: main(argv), after_interrupt=go_on_hint('--redo', '--again'))


def main(argv: Optional[Sequence[str]] = None) -> Outcome:
    """Train what is missing of a table, then regenerate the results page and its pictures.

    Raises:
        UserError: The table cannot be used, or (after everything else is done) a run failed.
    """
    args = run_table_parser().parse_args(argv)
    if args.jobs is not None and args.jobs < 1:
        raise UserError(f'--jobs {args.jobs}: give 1 or more')
    table = load_table(args.table, args.dev)
    runs = plan(table)
    results = Results(cells_folder(args.results, table.name))
    chosen = choose(table, runs, args.only, args.fractions, args.seeds)
    # One seed of everything first: a whole table early, its spread later.
    chosen.sort(key=lambda name: (runs[name].seed, runs[name].fraction))
    jobs = args.jobs or default_jobs()
    print(overview(table, runs, results, chosen, args.again))
    outcome = Outcome()
    if not args.dry_run:
        for run in runs.values():
            results.keep(run)
    if not args.report_only:
        if not args.dry_run:  # and not after hours of training
            check_template(args.results / (args.template or TEMPLATE))
        if args.redo and not args.dry_run:
            _set_aside(runs, results, chosen, args.again)
        if args.again and not args.dry_run:
            _begin_again(runs, results, chosen)
        names = missing(runs, results, chosen, redo=args.redo, again=args.again and args.dry_run)
        print(forecast(runs, results, names, jobs, in_full=args.dry_run) if names else
              f'Nothing to train. Cells that are finished ({results.folder}) can be trained again: '
              'add --again')
        if args.dry_run:
            return outcome
        outcome = Execution(runs, results, table.name, jobs,
                            report=lambda line: print(line, flush=True)).train(names)
    if not args.dry_run:
        template = args.results / (args.template or TEMPLATE)
        shown = names_table(template, args.table, args.dev)
        if shown or args.report_only:  # whose own table is not in the page need not wait for it
            write_page(template, args.page, args.results)
            print(f'Results: {args.page}, pictures in {args.results}')
        if not shown:
            print(_beside_the_page(table, collect(table, runs, results), args.page, template))
    _complain(outcome, runs)
    return outcome


def missing(runs: Dict[str, Run], results: Results, chosen: Sequence[str],
            redo: bool = False, again: bool = False) -> List[str]:
    """The runs to train for the chosen cells, each after what it needs.

    Those in the way are left as they are, and with them what needs them, unless ``redo``; and
    finished ones, unless ``again`` or unless they were begun again.
    """
    old = set(in_the_way(runs, results, chosen, again))
    wanted: List[str] = []

    def want(name: str) -> None:
        run = runs[name]
        if name in wanted or not redo and old & set(with_needs(runs, [name])):
            return
        for need in run.needs:
            # A kept result is not a checkpoint to go on from.
            if (results.read(runs[need]) is None or is_begun_again(runs[need]) or need in old
                    or not runs[need].checkpoint.is_file()):
                want(need)
        wanted.append(name)

    for name in chosen:
        if again or is_begun_again(runs[name]) or results.read(runs[name]) is None:
            want(name)
    return wanted


def in_the_way(runs: Dict[str, Run], results: Results, chosen: Sequence[str],
               again: bool = False) -> List[str]:
    """What keeps the chosen cells from being trained until it is set aside.

    Outdated runs, and those whose work dir holds weights of other settings than their result is of.
    Whatever ``again`` is going to rename is in nobody's way.
    """
    done = {name for name in chosen if results.state(runs[name]) is State.DONE}
    waiting = [name for name in chosen if again or name not in done]
    return [name for name in with_needs(runs, waiting) if not (again and name in done)
            and (results.state(runs[name]) is State.OUTDATED or holds_other(runs[name]))]


def overview(table: Table, runs: Dict[str, Run], results: Results, chosen: Sequence[str],
             again: bool = False) -> str:
    """Rows, fractions and seeds with a mark for each cell."""
    fractions = sorted({runs[name].fraction for name in chosen})
    rows = [row for row in table.rows if any(runs[name].row == row for name in chosen)]
    width = max(len('row'), *map(len, rows))
    lines = [f'{table.title} ({table.path}{", on held-out training data" if table.is_dev else ""})',
             f'{"row":<{width}}  ' + '  '.join(f'{fraction:g} %'.ljust(len(table.seeds) + 2)
                                               for fraction in fractions)]
    states = {name: results.state(runs[name]) for name in chosen}
    for row in rows:
        marks = ['' if fraction not in table.rows[row].fractions else ''.join(
            states[name].value for name in chosen
            if (runs[name].row, runs[name].fraction) == (row, fraction)) for fraction in fractions]
        lines.append(f'{row:<{width}}  ' + '  '.join(
            mark.ljust(len(table.seeds) + 2) for mark in marks).rstrip())
    counts = {state: list(states.values()).count(state) for state in State}
    lines.append(f'{counted(len(chosen), "cell")}: {counts[State.DONE]} done (+), '
                 f'{counts[State.PARTLY]} begun (~), {counts[State.MISSING]} missing (-), '
                 f'{counts[State.OUTDATED]} outdated (!)')
    for name in in_the_way(runs, results, chosen, again):
        what = 'outdated' if results.state(runs[name]) is State.OUTDATED else (
            'its result is kept, but its work dir holds a training of other settings')
        lines.append(f'  {runs[name].label}: {what}, {results.difference(runs[name])}; '
                     'add --redo to train it again, the old run is set aside')
    return '\n'.join(lines)


def forecast(runs: Dict[str, Run], results: Results, names: Sequence[str], jobs: int,
             in_full: bool = True) -> str:
    """What is going to be trained, and how long that may take."""
    estimates = Estimates(runs, results)
    lines = [f'To train: {counted(len(names), "run")}, {jobs} at a time']
    if in_full:
        lines += [f'  {runs[name].label:<40} {duration(estimates.seconds(name)):>12}'
                  for name in names]
    known = [name for name in names if estimates.seconds(name) is not None]
    total = estimates.total(known, jobs)
    unknown = len(names) - len(known)
    parts = [f'about {duration(total)}, by the cells that are finished'] if known else []
    if unknown:
        parts.append(f'{counted(unknown, "run")} of unknown length')
    return '\n'.join([*lines, f'Time: {", and ".join(parts)}'])


def _beside_the_page(table: Table, cells: Cells, page: Path, template: Path) -> str:
    """The figures of a table that the page does not show, and how to show more of it."""
    line = f'<!-- {table.path}{" --dev" * table.is_dev}: recall -->'
    return (f'{page} shows nothing of {table.path}, which {template} does not name. For recalls '
            f'and pictures write lines such as {line} into a file of {template.parent}, and add '
            f'--template FILE --page MINE.md (docs/results.md lists the blocks). Its accuracy:\n\n'
            f'{markdown.accuracy(cells)}')


def _set_aside(runs: Dict[str, Run], results: Results, chosen: Sequence[str],
               again: bool) -> None:
    for name in in_the_way(runs, results, chosen, again):
        is_outdated = results.state(runs[name]) is State.OUTDATED
        was_begun_again = is_begun_again(runs[name])
        target = _rename(runs[name])
        if is_outdated:  # else what is kept is of the present settings
            results.kept(runs[name]).unlink(missing_ok=True)
        elif was_begun_again:  # the mark has gone with the work dir
            begin_again(runs[name])
        print(f'{runs[name].label}: set aside{f" as {target}" if target else ""}')


def _begin_again(runs: Dict[str, Run], results: Results, chosen: Sequence[str]) -> None:
    """Make room for the chosen cells that are finished; what is kept of them stays."""
    for name in chosen:
        if results.state(runs[name]) is State.DONE:
            target = _rename(runs[name])
            begin_again(runs[name])
            print(f'{runs[name].label}: again{f", the old run is {target}" if target else ""}')


def _rename(run: Run) -> Optional[Path]:
    """Rename a work dir out of the way, if there is one; gives its new name."""
    try:
        with claimed(run):
            return set_aside(run.work_dir) if run.work_dir.is_dir() else None
    except Busy as error:
        raise UserError(f'{run.label} cannot be set aside, another process trains there; wait for '
                        'its end, or press Ctrl-C there, then give the same command again'
                        ) from error


def _complain(outcome: Outcome, runs: Dict[str, Run]) -> None:
    """Raise a UserError if something chosen was not trained."""
    notes = [f'{len(names)} {what} (the first: {runs[names[0]].label})' for names, what in (
        (outcome.failed, 'failed'), (outcome.elsewhere, 'in training by another process'),
        (outcome.waiting, 'waiting for these')) if names]
    if notes:
        raise UserError(f'of the runs, {", ".join(notes)}; the end of train.log in its work dir '
                        'says why. The same command goes on with what is missing')
