"""Read what a run left in its work dir."""
import json
from pathlib import Path

from ssfer_mm.safe_loading import load_checkpoint_safely


def stages(work_dir: Path) -> dict:
    """What StageReportHook wrote."""
    return json.loads(Path(work_dir, 'stages.json').read_text())


def scalars(work_dir: Path) -> list:
    """Every line of the scalar logs, oldest first."""
    logs = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    return [json.loads(line) for log in logs for line in log.read_text().splitlines()]


def weights(path: Path) -> dict:
    """The state_dict of a checkpoint."""
    return load_checkpoint_safely(path)['state_dict']


def error_line(err: str) -> str:
    """The one line that a tool may write about a user's mistake."""
    lines = [line for line in err.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1 and 'Traceback' not in err, err
    return lines[0]
