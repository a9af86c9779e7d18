"""The list of shards that ``tools/pack_faces.py`` writes beside them."""
import json
import os
import os.path as osp
from dataclasses import dataclass, field

from ssfer_mm.errors import UserError
from ssfer_mm.files.journal import COUNT, parse_header

FORMAT, VERSION, MANIFEST = 'ssfer-face-shards', 1, 'manifest.jsonl'


@dataclass
class Shard:
    """One line of the manifest.

    Attributes:
        shard: File name.
        images: How many it holds.
        bytes: Its size.
        sha256: Checksum of the file.
        unreadable: Names of the images that were left out.
    """
    shard: str
    images: int
    bytes: int
    sha256: str
    unreadable: list[str] = field(default_factory=list)


def parse_shard(line: str) -> Shard:
    """A line of the manifest.

    Raises:
        ValueError: It is damaged.
    """
    try:
        return Shard(**json.loads(line))
    except TypeError as error:
        raise ValueError(str(error)) from error


def read_header(folder: str | os.PathLike) -> dict | None:
    """The first line of a folder's manifest; None where there is none, or it is of another kind."""
    try:
        with open(osp.join(folder, MANIFEST), encoding='utf-8') as file:
            header = parse_header(file.readline())
    except (OSError, UnicodeDecodeError):
        return None
    return header if header and header['format'] == FORMAT else None


def read_manifest(folder: str | os.PathLike) -> tuple[dict | None, list[Shard]]:
    """The first line of a folder's manifest, None where it is of another kind; and the shards.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    with open(osp.join(folder, MANIFEST), encoding='utf-8') as file:
        first, *lines = file.read().splitlines() or ['']
    return parse_header(first), [parse_shard(line) for line in lines]


def refuse_incomplete(folder: str | os.PathLike) -> None:
    """Nobody should train on a part of the images without knowing it.

    Raises:
        UserError: The shards in the folder are not all that its manifest announces.
    """
    header = read_header(folder)
    if header is None:
        return
    path = osp.join(folder, MANIFEST)
    what_is_there = f'Or remove {path}, to take what is there for the whole.'
    if header.get(COUNT) is None:
        raise UserError(f'the shards in {os.fspath(folder)!r} are not finished: packing was '
                        'stopped, or still runs. Go on with: python tools/pack_faces.py INPUT... '
                        f'--out {folder} --images-per-shard {header.get("images_per_shard")}'
                        f'{" --decode" * bool(header.get("decoded"))} (the images as INPUT, as '
                        f'before). {what_is_there}')
    try:
        _, shards = read_manifest(folder)
    except (OSError, ValueError) as error:
        raise UserError(f'{path} is damaged ({error}): copy it again. {what_is_there}') from None
    missing = [shard.shard for shard in shards if not osp.isfile(osp.join(folder, shard.shard))]
    if missing:
        raise UserError(f'{len(missing)} of the {len(shards)} shards that {path} lists are '
                        f'missing, the first is {missing[0]}: copy them again, or pack the images '
                        f'again. {what_is_there}')
