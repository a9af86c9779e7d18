"""What a manifest notes of the images that are packed, so that two sets of them are not mixed."""
import hashlib
import logging

from mmengine.logging import print_log

from ssfer_mm.command_line.progress import progress
from ssfer_mm.datasets.sources import FaceSource
from ssfer_mm.datasets.sources.shard_manifest import MANIFEST
from ssfer_mm.errors import UserError

NAMES = 'names_and_sizes'  # the SHA-256 of all of them
SHOWN_FROM = 200_000  # images; fewer take a second or two


def images_of(source: FaceSource) -> dict:
    """Number, first and last name, and one fingerprint of all names and sizes.

    Sizes too, because images that were made anew keep their names: cropped in another way, say.
    """
    digest, count = hashlib.sha256(), len(source)
    for index in progress(range(count), count, shown=count >= SHOWN_FROM):
        line = f'{source.name(index)}\t{source.size(index)}\n'
        digest.update(line.encode('utf-8', 'surrogateescape'))
    return {'source_images': count, 'first': source.name(0), 'last': source.name(count - 1),
            NAMES: digest.hexdigest()}


def same_images(images: dict, header: dict | None, out: str) -> dict:
    """Refuse to go on where the images are no longer those that packing began with.

    Args:
        images: What :func:`images_of` says of them now.
        header: Of the manifest that is there, if it is to be gone on with.
        out: The folder of the shards.

    Returns:
        What to note of them: no more than what the manifest notes already, if there is one. Those
        of former versions had no fingerprint, and whether it was the same then, nobody knows.

    Raises:
        UserError: They are others.
    """
    if header is None:
        return images
    known = {key: value for key, value in images.items() if key in header}
    if any(header[key] != value for key, value in known.items()):
        raise UserError(f'{out}/{MANIFEST} was begun with other images: {_told(header)} then, '
                        f'{_told(images)} now{_how(images, header)}. Going on would mix the two. '
                        'Give the images of then to go on, choose another --out, or add '
                        '--overwrite to pack those of now from the beginning')
    if NAMES not in known and header.get('images') is None:
        print_log(f'{out}/{MANIFEST} is of a former version, which noted the number of the images '
                  'and the first and last name only. If any were changed since packing began, '
                  'stop, and add --overwrite.', logger='current', level=logging.WARNING)
    return known


def same_size(images_per_shard: int, header: dict | None, out: str) -> None:
    """Refuse to go on with shards of another number of images.

    Args:
        images_per_shard: What is asked for now.
        header: Of the manifest that is there, if it is to be gone on with.
        out: The folder of the shards.

    Raises:
        UserError: Packing began with another number.
    """
    before = images_per_shard if header is None else header.get('images_per_shard')
    if before != images_per_shard:
        raise UserError(f'{out}/{MANIFEST} was made with --images-per-shard {before}, now it is '
                        f'{images_per_shard}: give that number to go on, choose another --out, or '
                        'add --overwrite to begin anew')


def _told(images: dict) -> str:
    return (f'{images.get("source_images")} from {images.get("first")!r} to '
            f'{images.get("last")!r}')


def _how(images: dict, header: dict) -> str:
    others = [key for key, value in images.items() if header.get(key) != value]
    return ', some with other names or sizes' if others == [NAMES] else ''
