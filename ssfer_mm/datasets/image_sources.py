"""Which images a command line means: folders, single files, or the dataset of a config."""
import os.path as osp
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
from mmengine.config import ConfigDict

from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from ssfer_mm.images.files import IMAGE_SUFFIXES, is_image
from ssfer_mm.subset_names import CONFIG_SUBSETS

from .base import FERDataset
from .labeled import build_labeled
from .unlabeled import UnlabeledFaces


@dataclass(frozen=True)
class ImageRef:
    """One image, wherever it is.

    Attributes:
        id: What the datasets call it, and so do box files.
        path: Its file, unless it is an item of a dataset.
        folder: The name of the given folder, with which its id begins; empty for a dataset.
        dataset: The dataset it belongs to, if any.
        index: Its place there.
    """
    id: str
    path: Optional[str] = None
    folder: str = ''
    dataset: Optional[FERDataset] = None
    index: int = 0

    def content(self) -> Union[str, np.ndarray]:
        """Path of the file, or the pixels where the dataset holds them in memory."""
        if self.dataset is None:
            return self.path
        info = self.dataset.get_data_info(self.index)
        return info['img'] if info.get('img') is not None else info['img_path']

    def file(self) -> Optional[str]:
        """Path of its file, None where a dataset holds it in memory."""
        content = self.content()
        return content if isinstance(content, str) else None


def list_images(sources: Sequence[str], subset: str = 'train') -> List[ImageRef]:
    """All images of the given sources.

    Args:
        sources: Each a folder, searched at any depth; an image file; or a ``.py`` config, whose
            dataset is taken. Images of folders have the ids that ``UnlabeledFaces`` on the same
            folders gives them; an image file has the id it has when its folder is given.
        subset: Of a config: ``'train'``, ``'val'`` or ``'test'``, for the dataset in its
            ``..._dataloader``; labeled and unlabeled images alike.

    Raises:
        UserError: A source is missing or of no such kind, has no images, or two images share an
            id.
    """
    images: List[ImageRef] = []
    folders = []
    for source in map(osp.expanduser, sources):
        if osp.isdir(source):
            folders.append(source)
        elif source.endswith('.py'):
            images += _of_config(source, subset)
        else:
            images.append(_of_file(source))
    if folders:
        samples = UnlabeledFaces(folders, lazy_init=True).load_samples()
        images = [ImageRef(sample.id, sample.path, sample.id.split('/')[0])
                  for sample in samples] + images
    if not images:
        raise UserError('no images were given: name a folder, image files or a dataset config')
    _refuse_repeated(images)
    return images


def dataset_of(config: str, subset: str = 'train') -> FERDataset:
    """The dataset of a config, without pipeline and boxes.

    Raises:
        UserError: The config has no such dataset, or its data cannot be used.
    """
    loader = load_config(config).get(f'{subset}_dataloader')
    dataset = (loader or {}).get('dataset')
    # Wrappers keep the images of one labeled dataset inside.
    while isinstance(dataset, Mapping) and isinstance(dataset.get('dataset'), Mapping):
        dataset = dataset['dataset']
    if not isinstance(dataset, Mapping):
        raise UserError(f'{config} has no {subset}_dataloader.dataset: give a training config, or '
                        f'another --subset ({", ".join(CONFIG_SUBSETS)})')
    return build_labeled(ConfigDict(dataset).to_dict())


def _of_config(config: str, subset: str) -> List[ImageRef]:
    dataset = dataset_of(config, subset)
    return [ImageRef(image, dataset=dataset, index=index)
            for index, image in enumerate(dataset.ids())]


def _of_file(path: str) -> ImageRef:
    if not osp.isfile(path):
        raise UserError(f'{path} is not a folder, image file or dataset config: check the path')
    if not is_image(osp.basename(path)):
        raise UserError(f'{path} is not an image by its name: expected a file ending in one of '
                        f'{", ".join(IMAGE_SUFFIXES)}, a folder, or a .py dataset config')
    folder, name = osp.split(osp.abspath(path))
    return ImageRef(f'{osp.basename(folder)}/{name}', path, osp.basename(folder))


def _refuse_repeated(images: Sequence[ImageRef]) -> None:
    seen: Dict[str, ImageRef] = {}
    for image in images:
        other = seen.setdefault(image.id, image)
        if other is not image:
            places = ' and '.join(str(ref.path or ref.dataset.name) for ref in (other, image))
            raise UserError(f'two images are called {image.id!r} ({places}): give them to two '
                            'calls with two --out files')
