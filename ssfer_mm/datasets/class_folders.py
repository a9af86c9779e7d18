"""Any folder of class folders."""
import difflib
import logging
import os
import os.path as osp
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from ssfer_mm.command_line.printing import counted
from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.files import subfolders, wrong_layout
from ssfer_mm.errors import UserError
from ssfer_mm.expressions import AFFECTNET8, canonical_name
from ssfer_mm.images.files import is_image, scan_images

_SUBSET_FOLDERS = {'train': ('train', 'training'), 'valid': ('valid', 'val', 'validation'),
                   'test': ('test', 'testing')}
ADVICE_LOOSE = ('Move each into the folder of its class, or away; faces to train on without a '
                'label go into a folder that extra_unlabeled names.')


@DATASETS.register_module()
class ClassFolders(FERDataset):
    """Your own labeled faces: one folder per class.

    Either ``ROOT/train/happy/*.jpg`` and ``ROOT/test/happy/*.jpg``, or ``ROOT/happy/*.jpg``, all
    of which is then the subset ``'train'``. Images may lie deeper inside a class folder; those
    beside the class folders are of no class, and left out with a warning. Ids are the paths
    inside ROOT.

    Args:
        data_root (str): ROOT.
        subset (str): ``'train'``, ``'valid'`` or ``'test'``.
        boxes (str | dict | None): None or a JSON-lines box file; see :class:`FERDataset`.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.
        classes (Sequence[str], optional): Class names in label order; any names will do. If
            None, the expressions that the folders of all subsets name, in the order of
            :data:`ssfer_mm.expressions.AFFECTNET8`.

    Raises:
        UserError: Missing root or subset, no class folders, a folder that is not a class.
    """

    METAINFO = dict(dataset_name='ClassFolders', classes=())
    SUBSETS = tuple(_SUBSET_FOLDERS)

    def __init__(self,
                 data_root: str,
                 subset: str = 'train',
                 boxes: str | Mapping | None = None,
                 pipeline: Sequence = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True,
                 classes: Sequence[str] | None = None):
        super().__init__(data_root, subset=subset, boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=True, indices=indices,
                         serialize_data=serialize_data)
        self._given = classes is not None
        if self._given:
            self._metainfo['classes'] = _unique_classes(classes)
        if not lazy_init:
            self.full_init()

    def load_samples(self) -> list[Sample]:
        """Scan the subset's class folders."""
        root = self._root()
        folders = _subset_folders(root)
        if not self._given:
            self._metainfo['classes'] = _infer_classes(root, folders.values())
        classes = self._metainfo['classes']
        if self.subset not in folders:
            raise wrong_layout('ClassFolders', root, f'a folder {self.subset!r} with one folder '
                               'per class')
        _warn_of_folders_beside(root, folders, classes if self._given else AFFECTNET8)
        self.loose = loose_images('ClassFolders', osp.join(root, folders[self.subset]))
        return class_folder_samples('ClassFolders', root, folders[self.subset], classes,
                                    lambda name: match_class(name, classes))


def class_folder_samples(dataset: str, root: str, folder: str, classes: Sequence[str],
                         class_of: Callable[[str], str]) -> list[Sample]:
    """The images of every class folder in ``root/folder``, ids relative to ``root``.

    Args:
        dataset (str): Name for messages.
        root (str): Root of the data.
        folder (str): Folder of class folders, relative to root; may be empty.
        classes (Sequence[str]): Class names in label order.
        class_of (Callable): Gives the class of a folder name or raises UserError.
    """
    base, prefix = osp.join(root, folder), f'{folder}/' if folder else ''
    names = subfolders(base)
    if not names:
        raise wrong_layout(dataset, base, 'one folder per class')
    samples = []
    for name in names:
        label = list(classes).index(class_of(name))
        # Joined once: for 300,000 images os.path.join takes longer than reading the folders.
        own = osp.join(base, name, '')
        samples += [Sample(f'{prefix}{name}/{image}', label, own + image)
                    for image in scan_images(own)]
    return samples


def loose_images(dataset: str, folder: str) -> list[str]:
    """The images directly in a folder of class folders, sorted, which are of no class.

    Says so where there are any: who put them there would miss them nowhere else.

    Args:
        dataset (str): Name for messages.
        folder (str): Folder of class folders.
    """
    found = sorted(filter(is_image, os.listdir(folder)))
    if found:
        print_log(f'{dataset}: {counted(len(found), "image")} directly in {folder!r}, such as '
                  f'{found[0]!r}, not used: only class folders are read there. {ADVICE_LOOSE}',
                  logger='current', level=logging.WARNING)
    return [osp.join(folder, name) for name in found]


def match_class(name: str, classes: Sequence[str]) -> str:
    """The class that a folder name means, by its very name or as a synonym.

    Raises:
        UserError: It is none of the classes; the message names the closest.
    """
    known = {_plain(own): own for own in classes}
    if _plain(name) in known:
        return known[_plain(name)]
    try:
        expression = canonical_name(name)
    except UserError:
        expression = None
    if expression in known:
        return known[expression]
    close = difflib.get_close_matches(_plain(name), known, n=3)
    guess = f'; is it {" or ".join(close)}?' if close else '.'
    raise UserError(f'The class folder {name!r} is none of the {len(classes)} classes ('
                    f'{", ".join(classes)}){guess} Rename the folder; or, to do without its '
                    'images, move it elsewhere.')


def _plain(name: str) -> str:
    """A name as one compares it. A Mac writes the umlauts of file names as two characters each,
    which look like the one of an editor."""
    return unicodedata.normalize('NFC', name).lower()


def _subset_folders(root: str) -> dict[str, str]:
    """Subset name -> folder name; a root without subset folders is all 'train'."""
    own = {name.lower(): name for name in reversed(subfolders(root))}
    found = {subset: own[alias] for subset, aliases in _SUBSET_FOLDERS.items()
             for alias in reversed(aliases) if alias in own}
    return found or {'train': ''}


def _warn_of_folders_beside(root: str, folders: Mapping[str, str], classes: Sequence[str]) -> None:
    """Name what looks like a part of the data and lies where nothing is read."""
    if '' in folders.values():
        return  # all of the root is read
    aliases = {alias for known in _SUBSET_FOLDERS.values() for alias in known}
    found = [name for name in subfolders(root) if name not in folders.values()
             and (name.lower() in aliases or _is_class(name, classes))]
    if found:
        used = ' and '.join(repr(name) for name in folders.values())
        print_log(f'ClassFolders: {" and ".join(map(repr, found))} in {root!r} not used: only '
                  f'{used} there {"are" if len(folders) > 1 else "is"} read. Move what belongs '
                  'there into it.', logger='current', level=logging.WARNING)


def _is_class(name: str, classes: Sequence[str]) -> bool:
    try:
        return bool(match_class(name, classes))
    except UserError:
        return False


def _infer_classes(root: str, folders: Sequence[str]) -> tuple[str, ...]:
    # Over all subsets: a test set that lacks a class must not renumber the others.
    names = {name for folder in folders for name in subfolders(osp.join(root, folder))}
    if not names:
        raise wrong_layout('ClassFolders', root, 'one folder per class, or train/ and test/ with '
                           'one folder per class in each')
    try:
        present = {canonical_name(name) for name in sorted(names)}
    except UserError as error:
        raise UserError(f'ClassFolders: a class folder in {root!r} is not an expression: {error} '
                        'Or list your own class names as classes=(...) in the config.') from error
    return tuple(name for name in AFFECTNET8 if name in present)


def _unique_classes(classes: Sequence[str]) -> tuple[str, ...]:
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise UserError(f'ClassFolders: classes is {classes!r}, expected a list of names, such as '
                        "['happy', 'sad']; put each in quotes.")
    folded = [name.lower() for name in classes]
    if not folded or len(set(folded)) != len(folded):
        raise UserError(f'ClassFolders: classes is {tuple(classes)}, expected one or more '
                        'different names; correct the list.')
    return tuple(classes)
