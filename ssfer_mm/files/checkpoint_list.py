"""``checkpoints.json``: which checkpoints a folder has, and the checksums of what was written."""
import contextlib
import json
import logging
import os.path as osp
from os import PathLike
from pathlib import Path
from typing import List, Optional, Union

from mmengine.logging import print_log

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import write_json
from ssfer_mm.files.fingerprint import sha256_once

MANIFEST = 'checkpoints.json'
PERIODIC, STAGE_END, BEST = 'periodic', 'stage end', 'best'


def read_list(folder: Union[str, PathLike]) -> List[dict]:
    """What the list of a folder holds, oldest first; empty where there is no usable list.

    Each entry has ``file``, ``sha256``, ``kind`` and whatever facts came with it.
    """
    path = osp.join(folder, MANIFEST)
    try:
        with open(path, encoding='utf-8') as file:
            entries = json.load(file)['checkpoints']
        return [entry for entry in entries if _is_entry(entry)]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError, RecursionError, OSError) as error:
        print_log(f'{path} is damaged ({error}); going on without it', logger='current',
                  level=logging.WARNING)
        return []


def write_list(folder: Union[str, PathLike], entries: List[dict]) -> None:
    """Replace the list of a folder, wholly or not at all."""
    write_json(osp.join(folder, MANIFEST),
               dict(format='ssfer-checkpoints', version=1, checkpoints=entries), sync=True)


def check_listed(path: Union[str, PathLike]) -> None:
    """Compare a checkpoint with the list beside it; one that is in no list passes.

    Args:
        path: Of the file; of a link, the list beside the link counts, and the one beside the file.

    Raises:
        UserError: Its content is not what was written; the newest intact one beside it is named.
    """
    for place in dict.fromkeys((Path(path).absolute(), Path(path).resolve())):
        entry = next((e for e in read_list(place.parent) if e['file'] == place.name), None)
        # A run that saves a new file of this name meanwhile has changed its list as well.
        if entry and not _is_intact(place, entry) and entry in read_list(place.parent):
            raise UserError(
                f'Checkpoint {path} is damaged: its content is not what was written (another '
                f'SHA-256 than in {MANIFEST}). {_way_out(place)}')


def _way_out(damaged: Path) -> str:
    again = 'copy this one again, or delete it and train it again with --resume'
    folder = damaged.parent
    # The best one has no optimizer, so that no run can go on from it.
    intact = (folder / entry['file'] for entry in reversed(read_list(folder))
              if entry['kind'] != BEST and (folder / entry['file']).is_file()
              and entry['file'] != damaged.name and _is_intact(folder / entry['file'], entry))
    other: Optional[Path] = next(intact, None)
    if other is None:
        return f'No intact one lies beside it: {again}.'
    return f'Name {other}, the newest intact one beside it; or {again}.'


def _is_intact(path: Path, entry: dict) -> bool:
    with contextlib.suppress(OSError):  # whoever reads it says why that is not possible
        return sha256_once(path) == entry['sha256']
    return True


def _is_entry(entry: dict) -> bool:
    """Names of other folders are refused: pruning deletes files."""
    return (all(isinstance(entry[key], str) for key in ('file', 'sha256', 'kind'))
            and osp.basename(entry['file']) == entry['file'] not in ('', '.', '..')
            and '\0' not in entry['file'])
