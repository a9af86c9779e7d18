"""One thing that is wrong, or worth knowing, about the data."""
from dataclasses import dataclass, field
from typing import List, Sequence, Tuple

ERROR, WARNING, NOTE = 'error', 'warning', 'note'
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        severity: ``'error'``: training would fail, or its result would mean nothing;
            ``'warning'``: it would work, but probably not as meant; ``'note'``: good to know.
        kind: A word for machines, such as ``'unreadable'``.
        part: Name of the part, or of two: ``'labeled, test'``.
        text: What was found, with its count, in one line.
        advice: What to do next; may be empty.
        count: How many images it is about.
        names: Images, or pairs ``'a = b'``, that it is about.
    """
    severity: str
    kind: str
    part: str
    text: str
    advice: str = ''
    count: int = 0
    names: List[str] = field(default_factory=list)


def about(severity: str, kind: str, part: str, names: Sequence[str], text: str,
          advice: str = '') -> List[Finding]:
    """A finding about some images, or none if there are none.

    Args:
        text: What comes after their number.

    Example:
        >>> about('note', 'grey', 'test', ['a.png'], 'grey')[0].text
        '1 grey'
    """
    if not names:
        return []
    return [Finding(severity, kind, part, f'{len(names):,} {text}', advice, len(names),
                    list(names))]


def worst_first(findings: Sequence[Finding]) -> List[Finding]:
    """Errors, then warnings, then notes; otherwise in the given order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def counts(findings: Sequence[Finding]) -> Tuple[int, int, int]:
    """Number of errors, of warnings and of notes."""
    return tuple(sum(f.severity == severity for f in findings) for severity in SEVERITIES)
