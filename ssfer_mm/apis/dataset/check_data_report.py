"""What ``tools/check_data.py`` prints and writes."""
import textwrap
from typing import List, Sequence

from ssfer_mm.audit.check_labels import class_counts
from ssfer_mm.audit.check_overlap import Pair
from ssfer_mm.audit.findings import NOTE, Finding, counts, worst_first
from ssfer_mm.audit.parts import Part
from ssfer_mm.command_line.printing import counted, shown
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json

WIDTH, INDENT = 96, ' ' * 10
FORMAT, VERSION = 'ssfer-data-check', 1


def report(parts: Sequence[Part], findings: Sequence[Finding], most: int = 3,
           fast: bool = False) -> str:
    """The report for a terminal.

    Args:
        parts: All parts.
        findings: In any order.
        most: How many names to give with each finding.
        fast: Whether only ids and headers were looked at.
    """
    lines = [*parts_table(parts), '']
    for finding in worst_first(findings):
        lines += _lines(finding, most) + ['']
    return '\n'.join([*lines, verdict(findings, fast)])


def verdict(findings: Sequence[Finding], fast: bool = False) -> str:
    """The last line; after a look at ids and headers only, it says so."""
    errors, warnings, notes = counts(findings)
    sound = ('Training on these data would be unsound.' if errors else
             'Ids and file headers are sound; copies and damaged pixels are found without --fast'
             if fast else 'Training on these data is sound')
    sound += '' if errors else '; read the warnings.' if warnings else '.'
    return (f'{sound} {counted(errors, "error")}, {counted(warnings, "warning")}, '
            f'{counted(notes, "note")}')


def parts_table(parts: Sequence[Part]) -> List[str]:
    """Each part's images and source, and the images per class."""
    width = max((len(part.name) for part in parts), default=0)
    lines = [f'{part.name:<{width}}  {len(part):>9,}  {part.source}' for part in parts]
    labeled = [part for part in parts if part.labels is not None]
    if labeled:
        names = [part.name for part in labeled]
        classes = list(dict.fromkeys(name for part in labeled for name in part.classes))
        first = max(map(len, ['class', *classes]))
        columns = [max(9, len(name)) for name in names]
        rows = [['class', *names]]
        numbers = [class_counts(part) for part in labeled]
        rows += [[name, *(f'{own[name]:,}' if name in own else '-' for own in numbers)]
                 for name in classes]
        lines += [''] + [f'{row[0]:<{first}}' + ''.join(
            f'  {cell:>{size}}' for cell, size in zip(row[1:], columns)) for row in rows]
    return lines


def save_json(path: str, configs: Sequence[str], parts: Sequence[Part],
              findings: Sequence[Finding], pairs: Sequence[Pair]) -> None:
    """Write everything, with every name, for machines.

    Raises:
        UserError: The file cannot be written.
    """
    data = dict(
        format=FORMAT, version=VERSION, configs=list(configs),
        sound=not any(finding.severity == 'error' for finding in findings),
        parts=[dict(name=part.name, role=part.role, source=part.source, images=len(part),
                    classes=class_counts(part)) for part in parts],
        findings=[dict(vars(finding)) for finding in worst_first(findings)],
        copies=[dict(parts=[pair.first.name, pair.second.name],
                     images=[pair.first.ids[pair.i], pair.second.ids[pair.j]], kind=pair.kind,
                     score=round(pair.score, 4), mirrored=pair.mirrored) for pair in pairs])
    try:
        write_json(path, data)
    except OSError as error:
        raise UserError(f'cannot write {path} ({error.strerror}): give --json a place where you '
                        'may write') from None


def _lines(finding: Finding, most: int) -> List[str]:
    head = f'{finding.severity:<9} {finding.part}: {finding.text}'
    lines = textwrap.wrap(head, WIDTH, subsequent_indent=INDENT, break_on_hyphens=False,
                          break_long_words=False)
    if finding.severity == NOTE and finding.kind.startswith('mode'):
        most = len(finding.names)  # usually all images of a part: their names say nothing
    else:
        lines += [f'{INDENT}  {shown(name)}' for name in finding.names[:most]]
    if len(finding.names) > most:
        lines.append(f'{INDENT}  and {len(finding.names) - most:,} more')
    return lines + textwrap.wrap(finding.advice, WIDTH, initial_indent=f'{INDENT}-> ',
                                 subsequent_indent=INDENT + '   ', break_on_hyphens=False,
                                 break_long_words=False)
