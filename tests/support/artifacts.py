"""Files that tests leave for people to look at, and where to find them."""
import os
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get('SSFER_ARTIFACTS', ROOT / 'build' / 'test-artifacts'))
written: List[Path] = []


def artifact(name: str) -> Path:
    """Where to write such a file; pytest's last lines name it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    if path not in written:
        written.append(path)
    return path


def listing() -> List[str]:
    """Names of what was written since the tests began, relative to the working directory where
    they lie in it."""
    return [os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
            for path in written if path.is_file()]
