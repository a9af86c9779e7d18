"""What the user points at: photos, folders of photos, a video, a camera."""
import glob
import os
import os.path as osp
import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Sequence, Union

from ssfer_mm.command_line.printing import counted
from ssfer_mm.errors import UserError
from ssfer_mm.images.files import (
    IMAGE_SUFFIXES,
    OTHER_PHOTOS,
    is_hidden_folder,
    is_image,
    scan_images,
)

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.flv',
                  '.gif')


@dataclass(frozen=True)
class Photo:
    """An image file.

    Attributes:
        path: Where it is.
        name: What to call it: its path as given, or below the given folder; if that was not all
            that was given, with the folder as given before it.
        target: Path below a folder of results; no two photos share it.
    """
    path: str
    name: str
    target: str


@dataclass(frozen=True)
class Video:
    """A video file."""
    path: str


@dataclass(frozen=True)
class Webcam:
    """A camera, counted from 0."""
    number: int = 0


Source = Union[List[Photo], Video, Webcam]


def printable(name: str) -> str:
    r"""A file's name that every file and terminal takes: of one that is not UTF-8, the strange
    bytes are written out.

    Example:
        >>> printable('caf\udce9.jpg')
        'caf\\udce9.jpg'
    """
    return name.encode('utf-8', 'backslashreplace').decode()


def find_source(given: Sequence[str], out: str = '', several: bool = False) -> Source:
    """Look what there is.

    Args:
        given: Image files and folders, searched at any depth, or patterns of their names, such as
            ``'photos/*.jpg'``; or one video file; or ``'webcam'``, ``'webcam:1'``.
        out: The folder of results, which may lie inside a given folder; its images are left out.
        several: Whether other things are given in other calls.

    Raises:
        UserError: Something is missing, of no such kind, or a folder without images.
    """
    if not given:
        raise UserError('nothing to predict: name photos, a folder, a video or webcam')
    given = _expanded(given)
    special = [text for text in given if _is_camera(text) or _is_video(text)]
    if special and len(given) > 1:
        raise UserError(f'{special[0]} is not a photo: give it to a call of its own')
    if special and _is_camera(given[0]):
        return Webcam(int(given[0].partition(':')[2] or 0))
    if special:
        return Video(osp.expanduser(given[0]))
    several = several or len(given) > 1
    photos: List[Photo] = []
    for text in given:
        photos += _photos(text, several, out)
    return _distinct(photos)


def left_out(given: Sequence[str]) -> List[str]:
    """What folders hold that looks like photos or films, and is not looked at; one line each.

    Args:
        given: See :func:`find_source`.
    """
    lines = []
    for folder in filter(osp.isdir, map(osp.expanduser, _expanded(given))):
        endings = [osp.splitext(name)[1].lower() for name in _visible_files(folder)]
        for known, advice in ((VIDEO_SUFFIXES, 'give each video to a call of its own'),
                              (OTHER_PHOTOS, 'convert them to .jpg')):
            count = sum(ending in known for ending in endings)
            if count:
                kinds = ', '.join(sorted({ending for ending in endings if ending in known}))
                lines.append(f'{folder}: {counted(count, "file")} left out ({kinds}): {advice}')
    return lines


def _expanded(given: Sequence[str]) -> List[str]:
    """The same with what patterns mean in their place: the shells of Windows leave that to us.

    Raises:
        UserError: A pattern means nothing that there is.
    """
    names: List[str] = []
    for text in given:
        pattern = osp.expanduser(text)
        if osp.lexists(pattern) or not re.search(r'[*?[]', pattern):
            names.append(text)
            continue
        found = sorted(glob.glob(pattern))
        if not found:
            raise UserError(f'no file matches {text} (looked from {os.getcwd()}): check the folder '
                            'and the ending')
        names += found
    return names


def _visible_files(folder: str) -> Iterator[str]:
    """Names of the files where photos are looked for, at any depth."""
    for _, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden_folder(name)]
        yield from (name for name in names if not name.startswith('.'))


def _is_camera(text: str) -> bool:
    return re.fullmatch(r'webcam(:\d+)?', text) is not None


def _is_video(text: str) -> bool:
    return text.lower().endswith(VIDEO_SUFFIXES) and not osp.isdir(osp.expanduser(text))


def _photos(text: str, several: bool, out: str) -> List[Photo]:
    path = osp.expanduser(text)
    if osp.isdir(path):
        return _of_folder(path, text if several else '', out)
    if osp.islink(path) and not osp.exists(path):
        raise UserError(f'{text} is a link to {os.readlink(path)}, which does not exist: mend the '
                        'link, or give the photo itself')
    if not osp.exists(path):
        raise UserError(f'{text} does not exist (looked from {os.getcwd()}): expected a photo, a '
                        'folder, a video, webcam or webcam:1. Check the path.')
    ending = osp.splitext(path)[1].lower()
    if ending in OTHER_PHOTOS:
        raise UserError(f'{text} is a photo of a kind that is not read here ({ending}): convert '
                        'it to .jpg, and give that')
    if not is_image(osp.basename(path)):
        raise UserError(f'{text} is neither image nor video by its name: expected an ending such '
                        f'as {", ".join(IMAGE_SUFFIXES[:4] + VIDEO_SUFFIXES[:3])}. Rename it.')
    return [Photo(path, text, osp.basename(path))]


def _of_folder(folder: str, given: str, out: str) -> List[Photo]:
    """Its photos; ``given`` is what to call the folder, ``''`` if nothing else is given."""
    names = scan_images(folder)
    if out:
        names = [name for name in names
                 if not inside(osp.join(folder, name), out) or inside(folder, out)]
    if not names:
        others = ''.join(f'; {line}' for line in left_out([folder]))
        raise UserError(f'the folder {folder} holds no images ({", ".join(IMAGE_SUFFIXES[:4])}, '
                        f'...), at any depth: check the path{others}')
    prefix = osp.basename(osp.abspath(folder)) + '/' if given else ''
    return [Photo(osp.join(folder, name), osp.join(given, name), prefix + name) for name in names]


def inside(path: str, folder: str) -> bool:
    """Whether a file lies in a folder, at any depth, or is it, links followed."""
    path, folder = osp.realpath(path), osp.realpath(osp.expanduser(folder))
    return path == folder or path.startswith(folder + os.sep)


def _distinct(photos: Sequence[Photo]) -> List[Photo]:
    """Number the targets that several photos share, however their endings are written."""
    taken: Dict[str, int] = {}
    result = []
    for photo in photos:
        stem, suffix = osp.splitext(photo.target)
        # What cannot be written in its own format becomes PNG, and keeps its ending in its name:
        # a photo that differs in nothing else may come in another call.
        if suffix.lower() not in ('.jpg', '.jpeg', '.png'):
            stem, suffix = photo.target, '.png'
        target, number = stem + suffix, 2
        while target.lower() in taken:
            target, number = f'{stem}-{number}{suffix}', number + 1
        taken[target.lower()] = 1
        result.append(Photo(photo.path, photo.name, target))
    return result
