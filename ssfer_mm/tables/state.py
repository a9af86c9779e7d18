"""How far a run is: what its work dir and the kept results say."""
import enum
import json
import time
from pathlib import Path
from typing import Dict, List, Optional

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write, write_json

from . import machine
from .plan import Run

RESULT, JOURNAL = 'result.json', 'run.json'
AGAIN = 'again'  # in the work dir of a finished run that is being trained once more
FORMAT = 'ssfer_mm cell 1'
REPAIR = ('restore it (git checkout), or remove it: the same command makes it again from its work '
          'dir, or trains it again')


class State(enum.Enum):
    """Of a run. The value is its mark in overviews."""
    DONE = '+'
    PARTLY = '~'
    MISSING = '-'
    OUTDATED = '!'


class Results:
    """The small result files, of which one copy is kept outside of the work dirs.

    Args:
        folder: Of the kept copies, ``docs/results/cells/<table>``; they may go into git.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def kept(self, run: Run) -> Path:
        """Where a run's copy is."""
        return self.folder / f'{run.name.replace("/", "_")}.json'

    def read(self, run: Run) -> Optional[dict]:
        """The result of a run with just these settings, or None.

        Raises:
            UserError: The kept copy is damaged, or none of this version, and there is no other.
        """
        for path in (self.kept(run), run.work_dir / RESULT):
            record = _read_json(path)
            if record and record.get('fingerprint') == run.fingerprint:
                if record.get('format') != FORMAT:
                    raise UserError(f'{path} has the format {record.get("format")!r}, expected '
                                    f'{FORMAT!r}; {REPAIR}')
                return record
        if self.kept(run).is_file() and _read_json(self.kept(run)) is None:
            raise UserError(f'{self.kept(run)} is damaged: no JSON object; {REPAIR}')
        return None

    def keep(self, run: Run) -> None:
        """Make up for a copy that was not written, or got lost, while the work dir is there."""
        record = self.read(run)
        if record and (_read_json(self.kept(run)) or {}).get('fingerprint') != run.fingerprint:
            self.write(run, record)

    def write(self, run: Run, record: dict) -> None:
        """Keep a result, in the work dir and outside; from then on the run is done."""
        for path in (run.work_dir / RESULT, self.kept(run)):
            with atomic_write(path, sync=True) as file:
                file.write(_one_line_each(record))
        (run.work_dir / AGAIN).unlink(missing_ok=True)

    def state(self, run: Run) -> State:
        """How far the run is."""
        if self.read(run) is not None:
            return State.PARTLY if is_begun_again(run) else State.DONE
        journal = read_journal(run)
        found = journal or _read_json(self.kept(run)) or _read_json(run.work_dir / RESULT)
        if found and found.get('fingerprint') != run.fingerprint:
            return State.OUTDATED
        return State.PARTLY if journal or _has_checkpoints(run) else State.MISSING

    def difference(self, run: Run) -> str:
        """Why a run is outdated, in a few words."""
        former = (read_journal(run) or {}).get('settings')
        if former is None:
            return 'the kept result is of other settings'
        keys = [key for key in sorted(former.keys() | run.settings.keys())
                if former.get(key) != run.settings.get(key)]
        return f'differs in {", ".join(keys[:3])}' if keys else 'what it starts from has changed'


def begin_again(run: Run) -> None:
    """Have a finished run trained once more; what is kept of it stays until that is done."""
    run.work_dir.mkdir(parents=True, exist_ok=True)
    (run.work_dir / AGAIN).touch()


def is_begun_again(run: Run) -> bool:
    """Whether that is still to be done, or to be finished."""
    return (run.work_dir / AGAIN).is_file()


def holds_other(run: Run) -> bool:
    """Whether the work dir holds a training of other settings.

    A result of the present ones may be kept all the same, where it came with ``git pull``.
    """
    return (read_journal(run) or {}).get('fingerprint', run.fingerprint) != run.fingerprint


def read_journal(run: Run) -> Optional[dict]:
    """What was noted when the run was started: settings and sessions."""
    return _read_json(run.work_dir / JOURNAL)


def begin_session(run: Run, jobs: int = 1) -> dict:
    """Note that a process starts to train the run, one of so many on the machine; gives the
    journal."""
    journal = read_journal(run) or dict(fingerprint=run.fingerprint, settings=run.settings,
                                        command=run.command(), sessions=[])
    journal['sessions'].append(dict(began=_now(), seconds=0., commit=machine.commit(),
                                    hardware=machine.hardware(), jobs=jobs))
    _write_journal(run, journal)
    return journal


def end_session(run: Run, journal: dict, seconds: float) -> None:
    """Note how long that process ran.

    Args:
        run: Which has its lock: nobody else has written the journal since.
        journal: Of :func:`begin_session`; somebody may have removed the file meanwhile.
        seconds: From its start to its end.
    """
    journal['sessions'][-1]['seconds'] = round(seconds, 3)
    if run.work_dir.is_dir():  # else it is gone with all that was trained
        _write_journal(run, journal)


def sessions(run: Run) -> List[Dict[str, object]]:
    """Every process that trained the run."""
    return (read_journal(run) or {}).get('sessions', [])


def _write_journal(run: Run, journal: dict) -> None:
    write_json(run.work_dir / JOURNAL, journal, sync=True)


def _one_line_each(record: dict) -> str:
    """JSON with a line per entry, and per curve: short, and readable as a difference in git."""
    lines = []
    for key, value in record.items():
        if key == 'curves':
            curves = ',\n  '.join(f'{json.dumps(k)}: {json.dumps(v)}' for k, v in value.items())
            lines.append(f'"curves": {{\n  {curves}}}')
        else:
            lines.append(f'{json.dumps(key)}: {json.dumps(value)}')
    return '{' + ',\n '.join(lines) + '}\n'


def _has_checkpoints(run: Run) -> bool:
    return any(run.work_dir.glob('epoch_*.pth'))


def _read_json(path: Path) -> Optional[dict]:
    """The object in a file; None if there is no such file, or something else in it."""
    try:
        data = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _now() -> str:
    return time.strftime('%Y-%m-%dT%H:%M:%S')
