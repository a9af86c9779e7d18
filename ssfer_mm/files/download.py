"""Weights from the internet: shown, resumed, checked, and never half there."""
import http.client
import os
import re
import sys
from pathlib import Path
from typing import Optional, Union
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from ssfer_mm.errors import UserError, one_line
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.files.lock import locked

CHUNK = 1 << 18  # bytes
PATIENCE = 30  # seconds without an answer


def fetch_weights(url: str, folder: Union[str, Path, None] = None) -> Path:
    """The local copy of a weights file, downloaded if it is not there yet.

    OpenMMLab and torch name a file after its contents: the hexadecimal digits at the end of
    ``name-13274d7c.pth`` begin its sha256. Where a name has them, the file is checked.

    Args:
        url: Of the file.
        folder: Where copies lie; torch hub's ``checkpoints`` folder by default.

    Returns:
        Path of the complete file.

    Raises:
        UserError: The file cannot be downloaded (and how to do it by hand), or is not the one
            that its name promises.
    """
    if folder is None:
        import torch

        folder = Path(torch.hub.get_dir()) / 'checkpoints'
    target = Path(folder) / url.split('?')[0].rsplit('/', 1)[-1]
    if not target.is_file():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Ranks of one training must not download the same file over each other.
            with locked(target.parent):
                if not target.is_file():
                    _download(url, target)
        except (OSError, http.client.HTTPException) as error:
            # urllib wraps what happened; its own text has brackets around it.
            happened = getattr(error, 'reason', None) or error
            raise UserError(
                f'cannot download {url} ({one_line(happened)}). Start again to go on where it '
                'stopped; without internet, fetch the file on another machine and put it at '
                f'{target}') from error
    elif not _is_what_its_name_says(target, target.name):
        raise UserError(f'{target} is not the file that its name promises (its sha256 begins with '
                        f'{sha256_of(target)[:8]}, expected {hash_in_name(target.name)}): delete '
                        'it and start again')
    return target


def hash_in_name(name: str) -> Optional[str]:
    """The beginning of the sha256 that a file's name holds, if it does.

    Example:
        >>> hash_in_name('yolo-x_8xb8-300e_coco-face_13274d7c.pth'), hash_in_name('epoch_12.pth')
        ('13274d7c', None)
    """
    found = re.search(r'[-_](?!20\d{6}\.)([0-9a-f]{8,64})\.\w+$', name)  # 20211121 is a date
    return found[1] if found else None


def _is_what_its_name_says(path: Path, name: str) -> bool:
    return sha256_of(path).startswith(hash_in_name(name) or '')


def _download(url: str, target: Path) -> None:
    """Download beside ``target``, going on with what is there, and rename at the very end."""
    partial = target.with_name(target.name + '.partial')
    while True:
        resumed = partial.is_file() and partial.stat().st_size > 0
        _append_rest(url, partial, target.name)
        if _is_what_its_name_says(partial, target.name):
            os.replace(partial, target)
            return
        found = sha256_of(partial)[:8]
        partial.unlink()
        # What had been there before may have been the beginning of another file.
        if not resumed:
            raise UserError(f'{url} is not the file that its name promises (its sha256 begins with '
                            f'{found}, expected {hash_in_name(target.name)}). A proxy may have '
                            f'answered instead: fetch it by hand and put it at {target}')


def _append_rest(url: str, partial: Path, title: str) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    headers = {'User-Agent': 'ssfer_mm'}
    if have:
        headers['Range'] = f'bytes={have}-'
    try:
        response = urlopen(Request(url, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send
            return
        raise
    with response:
        if response.status != 206:  # the server sends the whole file whatever was asked for
            have = 0
        length = response.headers.get('Content-Length')
        total = have + int(length) if length else None
        with open(partial, 'ab' if have else 'wb') as file, tqdm(
                total=total, initial=have, desc=title, unit='B', unit_scale=True,
                file=sys.stderr) as bar:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    size = partial.stat().st_size
    if total is not None and size != total:
        raise OSError(f'the connection ended after {size} of {total} bytes')
