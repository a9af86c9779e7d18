"""SynthFER as a dataset: rendered once, cached on disk, kept in memory."""
import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.expressions import SYNTHFER8
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.ranges import check_number
from ssfer_mm.synthfer import POOLS, VERSION, Pool, SynthFERGenerator, render_pool


@DATASETS.register_module()
class SynthFER(FERDataset):
    """Synthetic faces showing eight expressions, in the class order of FER+.

    Nothing is downloaded: the faces are drawn by :class:`ssfer_mm.synthfer.SynthFERGenerator`, all
    cores helping, and kept in ``cache_dir`` for the next run. A damaged cache is drawn anew; one
    that cannot be written is done without.

    Args:
        subset (str): 'train', 'test', or 'pretrain', whose images carry no label. The three show
            different people.
        num_images (int): How many of the endless pool's first images to take.
        seed (int): Which endless pool; another seed, other people.
        size (int): Side of the square images in pixels.
        difficulty (float): 0 (clear faces, straight on) to 3; 1 is the benchmark.
        cache_dir (str | None): Folder of the cache. None: no cache.
        boxes (str | dict | None): 'dataset' for the exact boxes; see :class:`FERDataset`.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.

    Example:
        >>> data = SynthFER('test', num_images=2, size=16, cache_dir=None, boxes='dataset')
        >>> data[0]['img'].shape, data.ids()
        ((16, 16, 3), ['test/000000', 'test/000001'])
    """

    METAINFO: dict = dict(dataset_name='SynthFER', classes=SYNTHFER8)
    SUBSETS: tuple[str, ...] = POOLS
    DRAWN = True

    def __init__(self,
                 subset: str = 'train',
                 num_images: int = 4000,
                 seed: int = 0,
                 size: int = 48,
                 difficulty: float = 1.,
                 cache_dir: str | None = 'data/synthfer',
                 boxes: str | Mapping | None = None,
                 pipeline: Sequence = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True):
        check_number('SynthFER', 'num_images', num_images, low=1, whole=True)
        self.generator = SynthFERGenerator(seed, size, difficulty)
        self.num_images = num_images
        self.cache_dir = cache_dir
        super().__init__(data_root=cache_dir, subset=subset, boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=lazy_init, indices=indices,
                         serialize_data=serialize_data)

    def id_scope(self) -> str:
        """Another seed draws other people under the same ids."""
        return f'{type(self).__name__} {self.generator.seed}'

    def load_samples(self) -> list[Sample]:
        """The pool's first ``num_images`` faces, from the cache if it holds them."""
        pool = cached_pool(self.generator, self.subset, self.num_images, self.cache_dir)
        hidden = self.subset == 'pretrain'
        bgr = pool.images[..., ::-1]
        return [Sample(id=f'{self.subset}/{i:06d}', image=np.ascontiguousarray(bgr[i]),
                       label=None if hidden else int(pool.labels[i]),
                       box=tuple(float(edge) for edge in pool.boxes[i]))
                for i in range(self.num_images)]


def cache_name(generator: SynthFERGenerator, pool: str, count: int) -> str:
    """File name that tells everything the pictures depend on."""
    return (f'synthfer-v{VERSION}_{pool}_seed{generator.seed}_{generator.size}px'
            f'_d{generator.difficulty:g}_n{count}.npz')


def cached_pool(generator: SynthFERGenerator, pool: str, count: int,
                cache_dir: str | None) -> Pool:
    """The pool from its cache file; drawn (and, where possible, cached) if there is none.

    Several processes may call this at once: each either finds a whole file or writes one.
    """
    if cache_dir is None:
        return render_pool(generator, pool, count)
    path = os.path.join(os.path.expanduser(cache_dir), cache_name(generator, pool, count))
    faces = _read(path, generator.size, count)
    if faces is None:
        faces = render_pool(generator, pool, count)
        try:
            _write(path, faces)
        except OSError as error:
            print_log(f'SynthFER: drawn faces are not cached ({error}); the next run draws them '
                      'again', logger='current')
    return faces


def _checksum(faces: Pool) -> str:
    digest = hashlib.sha256()
    for part in (faces.images, faces.labels, faces.boxes, faces.intensities):
        digest.update(np.ascontiguousarray(part))
    return digest.hexdigest()


def _read(path: str, size: int, count: int) -> Pool | None:
    """The cached pool, or None if the file is missing or not to be believed."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as data:
            faces = Pool(data['images'], data['labels'], data['boxes'], data['intensities'])
            believed = str(data['checksum']) == _checksum(faces)
    # a cut or scribbled-on zip raises almost anything, zlib.error and struct.error included
    except Exception as error:
        print_log(f'SynthFER: cache {path!r} is damaged ({error}); drawing the faces again',
                  logger='current')
        return None
    if not believed or faces.images.shape != (count, size, size, 3):
        print_log(f'SynthFER: cache {path!r} does not match its checksum; drawing the faces again',
                  logger='current')
        return None
    return faces


def _write(path: str, faces: Pool) -> None:
    with atomic_write(path, 'wb') as file:
        np.savez(file, images=faces.images, labels=faces.labels, boxes=faces.boxes,
                 intensities=faces.intensities, checksum=np.array(_checksum(faces)))
