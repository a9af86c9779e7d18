"""Unlabeled faces: any folders of images, for face reconstruction pre-training."""
import os.path as osp
from collections.abc import Mapping, Sequence

from mmpretrain.registry import DATASETS

from ssfer_mm.datasets.base import FERDataset, Sample
from ssfer_mm.datasets.files import describe_folder, distinct, resolve_root
from ssfer_mm.datasets.seeded import seed_draws
from ssfer_mm.datasets.unreadable import UnreadableTally
from ssfer_mm.errors import UnreadableImage, UserError
from ssfer_mm.images.files import scan_images
from ssfer_mm.images.name import note_unreadable
from ssfer_mm.transforms import check_tracked, packs_face_box


@DATASETS.register_module()
class UnlabeledFaces(FERDataset):
    """All images under one or several folders, at any depth, without labels.

    Ids are the folder's own name and the path inside it, e.g. ``'faces13k/a/0001.jpg'``; a
    second folder of the same name gets ``-2``.

    Args:
        data_root (str | Sequence[str]): Folder, or several at once.
        boxes (str | dict | None): None or a JSON-lines box file; see :class:`FERDataset`.
        pipeline, test_mode, lazy_init, indices, serialize_data: See :class:`FERDataset`.
        on_unreadable (str): ``'skip'`` uses the next readable image instead, with one warning
            per file, and has it listed (:class:`UnreadableHook`); ``'error'`` stops. Large crawled
            collections always hold broken files. Which image is used is a function of the files
            alone, so a resumed run uses the same ones.
        max_unreadable (float): Share of the images in [0, 1]; more broken files than this among
            the first hundred or more that a process was asked for stop the run.

    Raises:
        UserError: Missing folder, folder without images, folders inside each other; or face boxes
            would be wrong because a transform moves pixels without saying so.
    """

    METAINFO = dict(dataset_name='UnlabeledFaces', classes=())

    def __init__(self,
                 data_root: str | Sequence[str],
                 boxes: str | Mapping | None = None,
                 pipeline: Sequence = (),
                 test_mode: bool = False,
                 lazy_init: bool = False,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True,
                 on_unreadable: str = 'skip',
                 max_unreadable: float = 0.05):
        if boxes and packs_face_box(pipeline):
            check_tracked(pipeline)
        self.on_unreadable = on_unreadable
        self.tally = UnreadableTally('UnlabeledFaces', data_root, on_unreadable, max_unreadable)
        super().__init__(data_root, subset='train', boxes=boxes, pipeline=pipeline,
                         test_mode=test_mode, lazy_init=lazy_init, indices=indices,
                         serialize_data=serialize_data)

    def load_samples(self) -> list[Sample]:
        """Scan every root; roots in the given order, images sorted by path."""
        given = [self.data_root] if isinstance(self.data_root, str) else list(self.data_root or ())
        roots = [resolve_root(root, self.name) for root in given]
        if not roots:
            raise UserError('UnlabeledFaces got no folder; set data_root to one or several.')
        _refuse_overlap(roots)
        samples = []
        for root, prefix in zip(roots, distinct(map(_own_name, roots))):
            images = scan_images(root)
            if not images:
                raise UserError(f'UnlabeledFaces: no images under {root!r}: '
                                f'{describe_folder(root)}; set data_root to a folder of images.')
            own = osp.join(root, '')
            samples.extend(Sample(f'{prefix}/{image}', path=own + image) for image in images)
        return samples

    def __getitem__(self, idx: int) -> dict:
        """The transformed item, or that of the next readable image, which names those before it."""
        seed_draws(idx)
        left_out = []
        self.tally.read += 1
        for step in range(len(self)):
            index = (idx + step) % len(self)
            try:
                item = super().__getitem__(index)
            except UnreadableImage as error:
                left_out.append(self.get_data_info(index)['img_path'])
                self.tally.skip(left_out[-1], error, step + 1, len(self))
                continue
            if left_out and 'data_samples' in item:
                note_unreadable(item['data_samples'], left_out)
            return item
        raise UserError(f'UnlabeledFaces: none of the {len(self)} images under '
                        f'{self.data_root!r} can be read; check the files.')


def _own_name(root: str) -> str:
    return osp.basename(osp.abspath(root))


def _refuse_overlap(roots: list[str]) -> None:
    real = [osp.realpath(root) for root in roots]
    for i, inner in enumerate(real):
        for j, outer in enumerate(real):
            if i != j and osp.commonpath([inner, outer]) == outer:
                raise UserError(f'UnlabeledFaces: {roots[i]!r} is the same as, or inside, '
                                f'{roots[j]!r}, so its images would count twice; remove one.')
