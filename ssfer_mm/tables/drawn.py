"""What the pictures of a table show, so that only those are drawn anew that would change."""
import hashlib
import json
from pathlib import Path
from typing import Dict, Tuple

from ssfer_mm.files import figure
from ssfer_mm.files.atomic import write_json
from ssfer_mm.files.fingerprint import sha256_of

from .figures import Cells

FILE = 'drawn.json'


class Drawn:
    """The note beside the pictures of a table: what each was drawn from, and the file it became.

    Times of files would not do: in a fresh clone they say nothing.

    Args:
        folder: Of the pictures.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            self._noted: Dict[str, Tuple[str, str]] = {
                name: (content, picture) for name, (content, picture) in
                json.loads(self.path.read_text(encoding='utf-8')).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._noted = {}  # then everything is drawn

    def is_current(self, picture: Path, content: str) -> bool:
        """Whether the file is the picture of that content."""
        return picture.is_file() and self._noted.get(picture.name) == (content, sha256_of(picture))

    def note(self, picture: Path, content: str) -> None:
        """A picture was drawn, or removed."""
        self._noted.pop(picture.name, None)
        if picture.is_file():
            self._noted[picture.name] = (content, sha256_of(picture))

    def save(self) -> None:
        """Write the note, if there is anything to say."""
        if self._noted:
            write_json(str(self.path), dict(sorted(self._noted.items())))
        else:
            self.path.unlink(missing_ok=True)


def content_of(cells: Cells, program: str) -> str:
    """A hash of all that pictures of these cells may show.

    Args:
        cells: The finished cells.
        program: File of the module that draws them.
    """
    digest = hashlib.sha256()
    for file in (program, figure.__file__):
        digest.update(Path(file).read_bytes())
    table = cells.table
    shown = dict(records=cells.records, seeds=table.seeds, fractions=cells.fractions,
                 rows=[(name, row.title) for name, row in table.rows.items()],
                 plots={kind: list(rows) for kind, rows in table.plots.items()})
    digest.update(json.dumps(shown, sort_keys=True).encode())
    return digest.hexdigest()
