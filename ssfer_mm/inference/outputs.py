"""Where ``ssfer predict`` writes, such that nothing that it was given is replaced."""
import argparse
import itertools
import os.path as osp
from typing import Optional, Sequence

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import is_stream

from .sources import Photo
from .video_source import FrameSource


def check_kinds(args: argparse.Namespace) -> None:
    """Files where files are to be, and a folder where a folder is: before the model is loaded.

    Raises:
        UserError: The one stands in the place of the other.
    """
    if args.out and osp.isfile(osp.expanduser(args.out)):
        raise UserError(f'cannot write pictures into {args.out}, which is a file: choose another '
                        '--out, such as --out annotated')
    for option in ('csv', 'json'):
        path = getattr(args, option)
        if path == '-':
            raise UserError(f'--{option} -: tables are written to files only, since messages go '
                            f'to standard output; name one, such as --{option} faces.{option}')
        if path and is_stream(osp.expanduser(path)):
            raise UserError(f'--{option} {path} is a device or pipe: tables are written to files '
                            f'only; name one, such as --{option} faces.{option}')
        if path and osp.isdir(osp.expanduser(path)):
            raise UserError(f'--{option} {path} is a folder: name the file, such as '
                            f'--{option} {osp.join(path, f"faces.{option}")}')


def check_targets(photos: Sequence[Photo], out: Optional[str]) -> None:
    """No photo is to be replaced by an annotated one: not its own, nor another, nor a neighbor.

    What else is at the target is taken for the result of a run before.

    Raises:
        UserError: One would be.
    """
    if not out:
        return
    given = {_true_path(photo.path): photo.path for photo in photos}
    for photo in photos:
        target = _true_path(osp.join(osp.expanduser(out), photo.target))
        victim = given.get(target)
        beside = osp.dirname(target) == osp.dirname(_true_path(photo.path))
        if victim is None and beside and osp.exists(target):
            victim = target
        if victim is not None:
            raise UserError(f'--out {out} would overwrite the photo {victim} with the annotated '
                            f'{photo.path}: choose another folder, such as --out annotated')


def check_tables(given: Sequence[str], args: argparse.Namespace) -> None:
    """Nor is what was given to be replaced by a table about it: an option may lack its name.

    Raises:
        UserError: It would be, or both tables have one name.
    """
    paths = {_true_path(path) for path in given}
    for option in ('csv', 'json'):
        path = getattr(args, option)
        if path and _true_path(osp.expanduser(path)) in paths:
            raise UserError(f'--{option} {path} would overwrite the picture of that name: give the '
                            f'table a name of its own, such as --{option} faces.{option}')
    if args.csv and args.json and (_true_path(osp.expanduser(args.csv))
                                   == _true_path(osp.expanduser(args.json))):
        raise UserError(f'--json {args.json} would overwrite the table of --csv: give each a name '
                        'of its own')


def _true_path(path: str) -> str:
    return osp.normcase(osp.realpath(path))


def video_target(source: FrameSource, out: Optional[str]) -> str:
    """The annotated video; '' if none is wanted.

    Raises:
        UserError: It would replace the one that was given, or one beside it.
    """
    if not out:
        return ''
    folder = osp.expanduser(out)
    if source.live:
        return _new_recording(osp.join(folder, source.name.replace(':', '_')))
    name = osp.basename(source.name)
    # Of another kind, it keeps its ending: film.avi and film.mp4 are two films.
    target = osp.join(folder, name if name.endswith('.mp4') else f'{name}.mp4')
    beside = osp.dirname(_true_path(target)) == osp.dirname(_true_path(source.name))
    if beside and osp.exists(target):  # the video itself, or a neighbor
        raise UserError(f'--out {out} would overwrite the video {target}: choose another folder, '
                        'such as --out annotated')
    return target


def _new_recording(stem: str) -> str:
    """A name that is free: what a camera saw cannot be annotated again."""
    names = itertools.chain([f'{stem}.mp4'], (f'{stem}_{k}.mp4' for k in itertools.count(2)))
    return next(name for name in names if not osp.exists(name))
