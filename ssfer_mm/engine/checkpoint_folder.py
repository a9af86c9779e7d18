"""The checkpoints of one run on disk: complete, listed with checksums, or set aside."""
import contextlib
import logging
import os
import os.path as osp
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import List, Optional

from mmengine.logging import print_log

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write, sync_folder, unfinished
from ssfer_mm.files.checkpoint_list import (
    BEST,
    MANIFEST,
    PERIODIC,
    STAGE_END,
    read_list,
    write_list,
)
from ssfer_mm.files.fingerprint import sha256_of, sha256_once
from ssfer_mm.safe_loading import is_unreadable, load_checkpoint_safely

POINTER = 'last_checkpoint'
# What a run writes into its folder besides checkpoints.
WRITTEN = (MANIFEST, POINTER, 'classifier.py', 'classifier_*.pth', 'stages.json', 'split.json')


class CheckpointFolder:
    """Checkpoints and ``checkpoints.json``, which lists them in the order they were written.

    Each entry has ``file``, ``sha256``, ``kind`` (``'periodic'``, ``'stage end'`` or ``'best'``)
    and whatever facts came with it. At every moment, also when the process is killed, the files
    under their final names are complete.

    Args:
        folder: The work dir of the run.
    """

    def __init__(self, folder: str) -> None:
        self.folder = osp.abspath(folder)

    def path(self, name: str) -> str:
        """Where a file of this folder is."""
        return osp.join(self.folder, name)

    # ---- writing --------------------------------------------------------------------------

    @staticmethod
    def part(name: str) -> str:
        """The name under which a checkpoint is written before it is complete."""
        return f'.{name}.part'

    def adopt(self, name: str, kind: str, facts: dict) -> None:
        """Give a completely written ``part(name)`` its name, and list it."""
        part = self.path(self.part(name))
        digest = sha256_of(part)
        _sync(part)
        others = [entry for entry in self.entries() if entry['file'] != name]
        if len(others) < len(self.entries()):
            # In between, no listed checksum may belong to the file's former content.
            self._list(others)
        os.replace(part, self.path(name))
        sync_folder(self.folder)
        self._list([*others, dict(file=name, sha256=digest, kind=kind, **facts)])
        if kind != BEST:
            # mmengine and its users look here.
            with atomic_write(self.path(POINTER), sync=True) as file:
                file.write(self.path(name))

    def list_found(self, name: str, kind: str, facts: dict) -> None:
        """List a whole checkpoint that is in no list, so that it is pruned like any other.

        The process was killed before the run's first list was written, or wrote none. One that is
        listed may have become the end of a stage, which has been shortened to it.
        """
        entries = self.entries()
        listed = next((entry for entry in entries if entry['file'] == name), None)
        if listed is None:
            digest = sha256_of(self.path(name))
            self._list([*entries, dict(file=name, sha256=digest, kind=kind, **facts)])
        elif kind == STAGE_END != listed['kind']:
            listed['kind'] = kind
            self._list(entries)

    def prune(self, keep: int) -> None:
        """Delete all but the newest ``keep`` checkpoints, the stage ends, and the newest best.

        Args:
            keep: At least 1; less keeps all but former bests.
        """
        entries = self.entries()
        best = [entry for entry in entries if entry['kind'] == BEST]
        others = [entry for entry in entries if entry['kind'] != BEST]
        old = others[:-keep] if keep > 0 else []
        doomed = [entry for entry in old if entry['kind'] == PERIODIC] + best[:-1]
        if not doomed:
            return
        for entry in doomed:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(entry['file']))
        self._list([entry for entry in entries if entry not in doomed])

    def clear_parts(self) -> None:
        """Delete what killed processes left half-written."""
        for name in os.listdir(self.folder):
            checkpoint = name.startswith('.') and name.endswith('.pth.part')
            target = unfinished(name) or ''
            if checkpoint or any(fnmatch(target, pattern) for pattern in WRITTEN):
                os.unlink(self.path(name))

    @contextlib.contextmanager
    def disk_errors(self, name: str) -> Iterator[None]:
        """Turn a failing disk into one line; earlier checkpoints are untouched.

        Raises:
            UserError: Instead of an OSError from the block.
        """
        try:
            yield
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(self.path(self.part(name)))
            raise UserError(
                f'checkpoint {self.path(name)} cannot be written ({error.strerror or error}); the '
                'earlier ones are kept. Make room there or make the folder writable, and continue '
                'with --resume') from error

    # ---- reading --------------------------------------------------------------------------

    def entries(self) -> List[dict]:
        """What the list holds, oldest first; empty where there is no usable list."""
        return read_list(self.folder)

    def newest_whole(self) -> Optional[str]:
        """Path of the checkpoint to resume from; None where there is none at all.

        Damaged files are renamed to ``*.damaged`` on the way, each with a warning.

        Raises:
            UserError: There are checkpoints, but none is whole.
        """
        problems = []
        for name in self._candidates():
            problem = self._problem(name)
            if problem is None:
                return self.path(name)
            problems.append(problem)
            _warn(f'{problem}; trying the checkpoint before it')
        if problems:
            raise UserError(f'nothing to resume from in {self.folder}: {"; ".join(problems)}. '
                            'Begin anew without --resume')
        return None

    def newest(self) -> Optional[str]:
        """Name of the newest checkpoint, whole or not; None where there is none."""
        return next((name for name in self._candidates() if osp.exists(self.path(name))), None)

    def _candidates(self) -> List[str]:
        """Newest first; those of runs that kept no list come after those listed."""
        usable = [entry['file'] for entry in self.entries() if entry['kind'] != BEST]
        names = [name for name in reversed(usable) if osp.exists(self.path(name))]
        pointer = self.path(POINTER)
        if osp.isfile(pointer):
            with open(pointer, encoding='utf-8', errors='replace') as file:
                target = file.read(4096).strip().replace('\0', '')
            if target:
                # Named in full where it lies elsewhere; a work dir that moved took it along.
                here = osp.basename(target)
                names.append(here if osp.exists(self.path(here)) else target)
        found = [name for name in (os.listdir(self.folder) if osp.isdir(self.folder) else ())
                 if name.startswith(('epoch_', 'iter_')) and name.endswith('.pth')]
        # Of links themselves: what they lead to may be gone.
        found.sort(key=lambda name: os.lstat(self.path(name)).st_mtime, reverse=True)
        return list(dict.fromkeys(names + found))

    def _problem(self, name: str) -> Optional[str]:
        """What is wrong with a checkpoint, after it was set aside; None if it is whole."""
        path = self.path(name)
        if not osp.isfile(path):
            return f'{path} not found'
        entry = next((entry for entry in self.entries() if entry['file'] == name), None)
        try:
            if entry is None:
                load_checkpoint_safely(path)
                return None
            if sha256_once(path) == entry['sha256']:
                return None
            reason = f'{path} is damaged: its content is not what was written'
        except OSError as error:
            return f'{path} cannot be read ({error.strerror or error})'
        except UserError as error:
            reason = str(error)
            if is_unreadable(error.__cause__):
                return reason
        os.replace(path, path + '.damaged')
        self._list([entry for entry in self.entries() if entry['file'] != name])
        return f'{reason} (set aside as {osp.basename(path)}.damaged)'

    def _list(self, entries: List[dict]) -> None:
        write_list(self.folder, entries)


def _sync(path: str) -> None:
    """Wait until the disk has a file's content."""
    handle = os.open(path, os.O_RDWR)  # Windows syncs nothing that is open for reading only
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
