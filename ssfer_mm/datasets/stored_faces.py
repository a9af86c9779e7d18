"""Unlabeled faces by the million, in the formats that face recognition keeps them in."""
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.dataset import Compose
from mmpretrain.registry import DATASETS, TRANSFORMS
from torch.utils.data import Dataset

from ssfer_mm.errors import UnreadableImage, UserError
from ssfer_mm.images.name import note_unreadable
from ssfer_mm.ranges import check_number

from .seeded import seed_draws
from .sources import FaceSource, Mixture, build_source
from .unreadable import UnreadableTally

REMEMBERED = 256  # blocks that were announced lately


@DATASETS.register_module()
class StoredFaces(Dataset):
    """Images of one or several stores, for face reconstruction pre-training.

    The main process and its workers share the stores' indexes, which lie in files that are mapped
    into memory; nothing is held per image. Use it with :class:`ShardSampler`.

    An item goes through the pipeline as ``dict(sample_id=str, img_bytes=bytes)``. Where an image
    cannot be read, the next readable one of the same store takes its place, so which one is a
    function of the stores alone; the item's ``data_samples`` then carry the names of those left
    out as ``unreadable``, for ``UnreadableHook``.

    Args:
        sources (Sequence[dict]): Each ``dict(type=..., path=..., weight=1.0)`` with the type
            ``ImageFolder``, ``TarShards``, ``ZipArchives``, ``RecordIO`` or ``LMDB``. Weights are
            shares of an epoch; give all or none. Without them every image counts the same.
        pipeline (Sequence): Transforms, or their configs.
        on_unreadable (str): ``'skip'`` or ``'error'``; see :class:`UnreadableTally`.
        max_unreadable (float): Share of unreadable images past which the run stops.

    Raises:
        UserError: Missing or unusable stores, weights that are not positive.
    """

    METAINFO = dict(dataset_name='StoredFaces', classes=())

    def __init__(self, sources: Sequence[Mapping], pipeline: Sequence = (),
                 on_unreadable: str = 'skip', max_unreadable: float = 0.05) -> None:
        if not isinstance(sources, (list, tuple)) or not sources or not all(
                isinstance(cfg, Mapping) for cfg in sources):
            raise UserError(f'StoredFaces got sources={sources!r}; give a list, such as '
                            "[dict(type='RecordIO', path='train.rec')].")
        self.weights = _weights(sources)
        paths = [cfg.get('path') for cfg in sources]
        self.source = Mixture([build_source({key: value for key, value in cfg.items()
                                             if key != 'weight'}) for cfg in sources])
        self.tally = UnreadableTally('StoredFaces', paths, on_unreadable, max_unreadable)
        self.pipeline = Compose([
            TRANSFORMS.build(step) if isinstance(step, Mapping) else step for step in pipeline])
        self._edges: list[np.ndarray] = []
        self._announced: OrderedDict[tuple[int, int], None] = OrderedDict()

    @property
    def metainfo(self) -> dict:
        """What mmengine shows and keeps with checkpoints."""
        return dict(self.METAINFO)

    @property
    def source_sizes(self) -> list[int]:
        """Images of each source."""
        return self.source.sizes

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict:
        """The transformed item, or that of the next readable image of its source."""
        seed_draws(index)
        number, place = self.source.locate(int(index))
        size, left_out = self.source_sizes[number], []
        first = int(index) - place
        self.tally.read += 1
        for step in range(size):
            chosen = first + (place + step) % size
            try:
                item = self._item(chosen)
            except UnreadableImage as error:
                name = self.source.name(chosen)
                self.tally.skip(name, error, step + 1, size)
                left_out.append(name)
                continue
            if left_out and 'data_samples' in item:
                note_unreadable(item['data_samples'], left_out)
            return item
        raise UserError(f'StoredFaces: none of the {size} images of '
                        f'{self.tally.where[number]!r} can be read; check the files.')

    def read_in_blocks(self, block: int) -> list[np.ndarray]:
        """From now on let the system read whole blocks of neighbors as soon as one is asked for.

        Args:
            block: Images of a block; at the end of a file there may be fewer.

        Returns:
            Of each source, int64: the first image of every block, and the source's size.
        """
        self._edges = [block_edges(source, block) for source in self.source.sources]
        return self._edges

    def _item(self, index: int) -> dict:
        if self._edges:
            self._announce(index)
        data = self.source.read(index)
        item = self.pipeline(dict(sample_id=self.source.name(index), img_bytes=data))
        if item is None:
            raise UserError(f'StoredFaces: the pipeline returned nothing for '
                            f'{self.source.name(index)!r}; remove transforms that drop images.')
        return item

    def _announce(self, index: int) -> None:
        number, place = self.source.locate(index)
        edges = self._edges[number]
        block = int(np.searchsorted(edges, place, side='right')) - 1
        if (number, block) not in self._announced:
            self.source.sources[number].prefetch(int(edges[block]), int(edges[block + 1]))
            self._announced[number, block] = None
            if len(self._announced) > REMEMBERED:
                self._announced.popitem(last=False)


def block_edges(source: FaceSource, block: int) -> np.ndarray:
    """int64: the first image of every block of a source, and its size; no block spans two files.
    """
    files = [*source.file_starts().tolist(), len(source)]
    begins = [np.arange(first, last, block) for first, last in zip(files, files[1:])]
    return np.concatenate([*begins, [len(source)]])


def _weights(sources: Sequence[Mapping]) -> list[float] | None:
    given = [cfg['weight'] for cfg in sources if 'weight' in cfg]
    if not given:
        return None
    if len(given) < len(sources):
        raise UserError(f'StoredFaces: the weights are {given} for {len(sources)} sources; give '
                        'every source a positive number, or none a weight.')
    for weight in given:
        check_number('StoredFaces', 'the weight of a source', weight, positive=True)
    return [float(weight) for weight in given]
