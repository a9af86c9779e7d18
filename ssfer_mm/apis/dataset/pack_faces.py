"""From folders, RecordIO files, archives and databases to tar shards: ``tools/pack_faces.py``."""
import argparse
import hashlib
import io
import json
import os
import os.path as osp
import re
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ssfer_mm.command_line.parsers import pack_faces_parser
from ssfer_mm.command_line.progress import progress_bar
from ssfer_mm.command_line.run import go_on_hint, run_cli
from ssfer_mm.datasets.sources import FaceSource, Mixture, TarShards, build_source
from ssfer_mm.datasets.sources.archives import INDEX_NAME
from ssfer_mm.datasets.sources.shard_manifest import (
    FORMAT,
    MANIFEST,
    VERSION,
    Shard,
    parse_shard,
    read_header,
    read_manifest,
)
from ssfer_mm.datasets.unreadable import LEAST_READ
from ssfer_mm.errors import UnreadableImage, UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.files.journal import Journal
from ssfer_mm.images.decode import check_image, decode_image
from ssfer_mm.images.files import is_image

from .packed_images import images_of, same_images, same_size
from .shard_place import refuse_inputs, refuse_others, remove_unfinished

# How the formats begin that cv2 decodes; the rest is told by the name it had.
SIGNATURES = {b'\xff\xd8\xff': '.jpg', b'\x89PNG': '.png', b'BM': '.bmp', b'RIFF': '.webp'}
NAME_LENGTH = 80  # characters of the former name, so that all names fit a plain tar header


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(pack_faces_parser().parse_args(arguments)),
                   after_interrupt=go_on_hint('--overwrite'))


def _run(args: argparse.Namespace) -> None:
    if args.verify:
        shards = verify(args.verify)
        print(f'{len(shards)} shards with {sum(shard.images for shard in shards)} images match '
              'their checksums')
        return
    if not args.inputs or not args.out:
        raise UserError('Give what to pack and --out FOLDER, or --verify FOLDER.')
    if args.images_per_shard < 1:
        raise UserError(f'--images-per-shard is {args.images_per_shard}; give at least 1.')
    if not 0 <= args.max_unreadable <= 1:
        raise UserError(f'--max-unreadable {args.max_unreadable}: expected a share in 0-1, such '
                        'as 0.05 for 5 %')
    refuse_inputs(args.inputs, args.out)
    source = Mixture([build_source(source_config(path)) for path in args.inputs])
    shards = pack(source, args.out, args.images_per_shard, args.decode, args.max_unreadable,
                  args.overwrite)
    left_out = sum(len(shard.unreadable) for shard in shards)
    print(f'{sum(shard.images for shard in shards)} images in {len(shards)} shards, '
          f'{sum(shard.bytes for shard in shards) / 1e6:.1f} MB: {args.out}\n'
          f'{left_out} images could not be read and were left out'
          + (f'; their names are in {osp.join(args.out, MANIFEST)}' if left_out else '') +
          f"\nTrain on them with dict(type='TarShards', path={args.out!r})")


def pack(source: FaceSource, out: str, images_per_shard: int = 10000, decode: bool = False,
         max_unreadable: float = 0.05, overwrite: bool = False) -> list[Shard]:
    """Write the shards, the manifest and the index, going on where a run was stopped.

    Shard k holds the images ``k * images_per_shard`` and following, so what remains to be done is
    known from the shards that the manifest lists. The same images give the same bytes.

    Args:
        source: The images.
        out: Folder to write to.
        images_per_shard: Before unreadable ones are left out.
        decode: Decode every image to find damaged ones; else only their headers and ends are
            looked at.
        max_unreadable: Share in [0, 1] of images past which it is better to stop.
        overwrite: Do not go on with what is there.

    Returns:
        All shards, in order.

    Raises:
        UserError: The folder was made of something else; too many images are unreadable; it
            cannot be written.
    """
    count = -(-len(source) // images_per_shard)
    known = None if overwrite else read_header(out)
    # First, or shards that a larger packing has more would be called files to remove.
    images = same_images(images_of(source), known, out)
    same_size(images_per_shard, known, out)
    refuse_others(out, {shard_name(k) for k in range(count)}, MANIFEST, overwrite)
    header = dict(format=FORMAT, version=VERSION, images_per_shard=images_per_shard, **images,
                  decoded=decode)
    with Journal(osp.join(out, MANIFEST), header, parse_shard, overwrite) as journal:
        remove_unfinished(out)
        shards = _usable(journal.records, out)
        done = min(len(shards) * images_per_shard, len(source))
        if len(shards) < count:  # shards of before may have had the same names and sizes
            Path(out, INDEX_NAME).unlink(missing_ok=True)
            journal.append([])  # from now on the folder is known to be this call's
        with progress_bar('Packing faces', len(source), done) as bar:
            for number in range(len(shards), count):
                first = number * images_per_shard
                last = min(first + images_per_shard, len(source))
                shard = write_shard(source, first, last, out, number, decode)
                shards.append(shard)
                _stop_at_too_many(shards, max_unreadable, LEAST_READ)
                journal.append([json.dumps(asdict(shard))])
                bar.update(last - first)
        _stop_at_too_many(shards, max_unreadable, 1)  # few images, or a smaller share allowed now
        # By their names: the folder as a whole is refused as long as it is not finished.
        TarShards(osp.join(out, f'faces-{{{0:06d}..{count - 1:06d}}}.tar'),
                  index=osp.join(out, INDEX_NAME))
        journal.finish([json.dumps(asdict(shard)) for shard in shards],
                       sum(shard.images for shard in shards))
    return shards


def write_shard(source: FaceSource, first: int, last: int, out: str, number: int,
                decode: bool) -> Shard:
    """Write one tar file, complete or not at all.

    Raises:
        UserError: It cannot be written.
    """
    name, unreadable, images = shard_name(number), [], 0
    path = osp.join(out, name)
    try:
        with atomic_write(path, 'wb', sync=True) as file:
            hashing = _HashingFile(file)
            with tarfile.open(fileobj=hashing, mode='w|', format=tarfile.USTAR_FORMAT) as archive:
                for index in range(first, last):
                    try:
                        data = source.read(index)
                        (decode_image if decode else check_image)(data, source.name(index))
                    except UnreadableImage:
                        unreadable.append(source.name(index))
                        continue
                    member = tarfile.TarInfo(member_name(index, source.name(index), data))
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
                    images += 1
    except OSError as error:
        raise UserError(f'cannot write {path} ({error.strerror}): make room there, or choose '
                        'another --out') from None
    return Shard(name, images, hashing.size, hashing.hash.hexdigest(), unreadable)


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f'faces-{number:06d}.tar'


def member_name(index: int, name: str, data: bytes) -> str:
    """A unique name that WebDataset takes as one key, and that tells where the image was.

    Example:
        >>> member_name(12, 'people/ann.b/1.JPG', bytes([0xff, 0xd8, 0xff]))
        '000000012_people_ann_b_1.jpg'
    """
    stem, suffix = osp.splitext(name)
    suffix = next((own for start, own in SIGNATURES.items() if data.startswith(start)),
                  suffix.lower() or '.jpg')
    former = re.sub(r'[^A-Za-z0-9-]+', '_', stem)[-NAME_LENGTH:]
    return f'{index:09d}_{former}{suffix}'


def verify(folder: str) -> list[Shard]:
    """Compare every shard with its checksum.

    Raises:
        UserError: One is missing or differs, or packing was never finished.
    """
    path = osp.join(folder, MANIFEST)
    try:
        header, shards = read_manifest(folder)
    except (OSError, ValueError) as error:
        why = getattr(error, 'strerror', None) or error  # an OSError's own words repeat the path
        raise UserError(f'{path!r} is not a manifest of face shards ({why}); give the folder '
                        'that tools/pack_faces.py wrote.') from error
    if not header or header.get('images') != sum(shard.images for shard in shards):
        raise UserError(f'{path!r} is not finished; run the command that made it again.')
    bad = [shard.shard for shard in shards if checksum(osp.join(folder, shard.shard))
           != shard.sha256]
    if bad:
        raise UserError(f'{len(bad)} of {len(shards)} shards in {folder!r} are missing or do not '
                        f'match their checksums: {", ".join(bad[:5])}; copy them again, or delete '
                        'them and run the command that made them.')
    return shards


def checksum(path: str) -> str | None:
    """SHA-256 of a file, None if it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return None


def source_config(path: str) -> dict:
    """What kind of store a path on the command line is, by its name and what it holds.

    Raises:
        UserError: A folder holds archives and other images: either could be meant.
    """
    inside = set(os.listdir(path)) if osp.isdir(path) else set()
    ending = osp.splitext(path)[1].lower()
    kinds = {'.rec': 'RecordIO', '.tar': 'TarShards', '.zip': 'ZipArchives', '.mdb': 'LMDB',
             '.lmdb': 'LMDB'}
    if 'data.mdb' in inside:
        kind = 'LMDB'
    elif 'train.rec' in inside:
        kind = 'RecordIO'
    elif not inside and ending in kinds:
        kind = kinds[ending]
    else:
        archives = sorted({osp.splitext(name)[1] for name in inside} & {'.tar', '.zip'})
        if len(archives) > 1 or archives and any(
                is_image(name) or osp.isdir(osp.join(path, name)) for name in inside
                if not name.startswith('.')):
            raise UserError(f'{path!r} holds archives ({", ".join(archives)}) beside other images: '
                            'give the archives one by one, and the images as a folder of their own')
        kind = kinds[archives[0]] if archives else 'ImageFolder'
    return dict(type=kind, path=path)


class _HashingFile:
    """A file to write to that knows the checksum and number of its bytes."""

    def __init__(self, file) -> None:
        self.file, self.hash, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)


def _usable(shards: Sequence[Shard], out: str) -> list[Shard]:
    """Those of the manifest, up to the first whose file is missing or of another size."""
    listed, usable = {shard.shard: shard for shard in shards}, []
    while (shard := listed.get(shard_name(len(usable)))) is not None:
        path = osp.join(out, shard.shard)
        if not osp.isfile(path) or osp.getsize(path) != shard.bytes:
            break
        usable.append(shard)
    return usable


def _stop_at_too_many(shards: Sequence[Shard], max_unreadable: float, least: int) -> None:
    names = [name for shard in shards for name in shard.unreadable]
    read = len(names) + sum(shard.images for shard in shards)
    if read >= least and len(names) > max_unreadable * read:
        raise UserError(f'{len(names)} of {read} images are unreadable, more than '
                        f'--max-unreadable {max_unreadable}; the last: {names[-1]!r}. Repair the '
                        'data, or raise it.')
