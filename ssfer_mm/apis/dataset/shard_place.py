"""Where shards may be written without replacing or mixing with what is there."""
import os
import os.path as osp
import re
from collections.abc import Sequence
from pathlib import Path

from ssfer_mm.errors import UserError


def refuse_inputs(inputs: Sequence[str], out: str) -> None:
    """No shard may replace what is being packed, nor be taken for it by the next call.

    Raises:
        UserError: ``out`` is one of the inputs, or holds one that is a tar file.
    """
    for path in inputs:
        place = osp.realpath(path)
        if place.lower().endswith('.tar') and not osp.isdir(place):
            place = osp.dirname(place)
        if place == osp.realpath(out):
            raise UserError(f'--out {out} is where {path} is, which is to be packed: choose '
                            'another --out')


def refuse_others(out: str, names: set[str], manifest: str, overwrite: bool) -> None:
    """Whoever trains on the folder reads all shards in it.

    Args:
        out: The folder.
        names: Of the shards that are to be in it.
        manifest: Name of the file that tells whose the shards in it are.
        overwrite: Whether shards of these names may be replaced even if it does not.

    Raises:
        UserError: There are other tar files, or shards without a manifest.
    """
    there = set(os.listdir(out)) if osp.isdir(out) else set()
    others = sorted(name for name in there - names if name.endswith('.tar'))
    if others:
        raise UserError(f'{out!r} holds {len(others)} other tar files, such as {others[0]!r}: '
                        'remove them, or choose another --out.')
    if there & names and manifest not in there and not overwrite:
        raise UserError(f'{out!r} holds {min(there & names)!r} and no {manifest}, so it may be '
                        'of something else: choose another --out, or add --overwrite to replace '
                        'it.')


def remove_unfinished(out: str) -> None:
    """Remove what a killed call was writing, which nobody else would; only one call is here."""
    for path in Path(out).iterdir():
        if re.fullmatch(r'\.faces-\d{6}\.tar\w{8}', path.name):  # as atomic_write names them
            path.unlink()
