"""Endless pictures with known faces, to train a face detector on."""
from collections.abc import Sequence

import numpy as np
import torch
from mmpretrain.registry import DATASETS
from torch.utils.data import Dataset

from ssfer_mm.datasets.face_backgrounds import Random, paint_background, paint_clutter
from ssfer_mm.datasets.face_cuts import DrawnFaces, FaceCut, PhotoFaces
from ssfer_mm.datasets.face_pasting import (
    Box,
    Pose,
    colorize,
    cut_out,
    draw_body,
    expose,
    light,
    paste_face,
)
from ssfer_mm.faces.boxes import box_area, clip_boxes
from ssfer_mm.ranges import check_number

PAD = 114.  # what the detector's letterbox puts around a picture
MOST_FACES = 7


@DATASETS.register_module()
class FaceScenes(Dataset):
    """Tight face crops, and scenes with none to several faces, composed on the fly.

    Item ``index`` is the same on every run: all its chance comes from (seed, index). A crop shows
    one face that fills most of the picture, possibly cut by its edge; a scene shows faces of any
    size, photographed and drawn ones, pasted over a procedural background with clutter.

    Items are what mmdet's data preprocessor takes: ``dict(inputs=uint8 (3, size, size) BGR tensor,
    data_samples=DetDataSample)`` with ``gt_instances.bboxes`` float32 (N, 4), xyxy in pixels, which
    may reach over the picture's edge, and ``labels`` all 0.

    Args:
        folder (str): Photographed face crops.
        box_file (str): Their boxes; see :class:`~ssfer_mm.datasets.face_cuts.PhotoFaces`.
        part (str): Which of them: 'train' or 'held_out'.
        num_scenes (int): Length of the dataset.
        size (int): Side of the pictures in pixels.
        crops (float): Share of crops among the items.
        drawn (int): How many SynthFER faces to mix in.
        drawn_share (float): Share of SynthFER faces among all faces.
        limit (int, optional): Take only so many photographed faces.
        seed (int): Another seed, other pictures.
        cache_dir (str, optional): Where SynthFER faces are kept.

    Raises:
        UserError: Missing data or impossible settings.
    """

    METAINFO = dict(dataset_name='FaceScenes', classes=('face', ))

    def __init__(self,
                 folder: str,
                 box_file: str,
                 part: str = 'train',
                 num_scenes: int = 100_000,
                 size: int = 224,
                 crops: float = .5,
                 drawn: int = 2000,
                 drawn_share: float = .2,
                 limit: int | None = None,
                 seed: int = 0,
                 cache_dir: str | None = 'data/synthfer') -> None:
        check_number('FaceScenes', 'num_scenes', num_scenes, low=1, whole=True)
        check_number('FaceScenes', 'size', size, low=64, whole=True)
        check_number('FaceScenes', 'crops', crops, high=1)
        check_number('FaceScenes', 'drawn_share', drawn_share, high=1)
        self.photos = PhotoFaces(folder, box_file, part, limit)
        self.drawn = DrawnFaces(drawn, cache_dir=cache_dir) if drawn else ()
        self.num_scenes, self.size, self.seed = num_scenes, size, seed
        self.crops, self.drawn_share = crops, drawn_share if drawn else 0.
        self.metainfo = self.METAINFO

    def __len__(self) -> int:
        return self.num_scenes

    def __getitem__(self, index: int) -> dict:
        return pack(*self.compose(index))

    def compose(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The picture, uint8 (size, size, 3) BGR, and its faces' boxes, float32 (N, 4)."""
        rng = np.random.default_rng((self.seed, index))
        draw = self._crop if rng.random() < self.crops else self._scene
        picture, boxes = draw(rng)
        return expose(rng, picture), np.array(boxes, np.float32).reshape(-1, 4)

    def _face(self, rng: Random) -> FaceCut:
        """Any face, in its own light."""
        if rng.random() < self.drawn_share:
            cut = self.drawn[rng.integers(len(self.drawn))]
        else:
            cut = self.photos[rng.integers(len(self.photos))]
            if rng.random() < .6:
                cut = colorize(rng, cut)
        return FaceCut(light(rng, np.asarray(cut.image, np.float32)), cut.box, cut.name)

    def _crop(self, rng: Random) -> tuple[np.ndarray, Sequence[Box]]:
        """One face that fills the picture, as datasets of faces show them."""
        cut = self._face(rng)
        whole = np.ones(cut.image.shape[:2], np.float32)
        flat = float(rng.choice([PAD, PAD, 0., 255.]))
        if rng.random() < .4:  # nothing but the letterbox that the detector will make of it
            picture = np.full((self.size, self.size, 3), PAD, np.float32)
            pose = letterbox_pose(cut, self.size, flip=rng.random() < .5)
            return picture, [paste_face(picture, cut, whole, pose)]
        if rng.random() < .4:
            picture = np.full((self.size, self.size, 3), flat, np.float32)
        else:
            picture = paint_background(rng, self.size, self.photos)
        pose = _crop_pose(rng, cut.box, self.size)
        mask = whole if rng.random() < .6 else cut_out(rng, cut)
        return picture, [paste_face(picture, cut, mask, pose)]

    def _scene(self, rng: Random) -> tuple[np.ndarray, Sequence[Box]]:
        """None to several faces of any size before a background."""
        picture = paint_background(rng, self.size, self.photos)
        paint_clutter(rng, picture, self.photos)
        boxes: list[Box] = []
        count = 0 if rng.random() < .12 else rng.integers(1, MOST_FACES)
        crowd = np.exp(rng.normal(0, .3)) / max(count, 1) ** .5
        faces = []
        for _ in range(count):
            cut = self._face(rng)
            pose = _scene_pose(rng, cut.box, self.size, crowd, boxes)
            if pose is not None:
                faces.append((cut, pose))
                boxes.append(pose.place(cut.box))
        for box in boxes:  # bodies first: none of them may hide a face
            if rng.random() < .4:
                draw_body(rng, picture, box)
        for cut, pose in faces:
            paste_face(picture, cut, cut_out(rng, cut), pose)
        return light(rng, picture) if rng.random() < .5 else picture, boxes


def pack(picture: np.ndarray, boxes: np.ndarray) -> dict:
    """What mmdet's data preprocessor takes."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    shape = picture.shape[:2]
    sample = DetDataSample(metainfo=dict(img_shape=shape, ori_shape=shape, scale_factor=(1., 1.)))
    sample.gt_instances = InstanceData(bboxes=torch.from_numpy(boxes),
                                       labels=torch.zeros(len(boxes), dtype=torch.long))
    chw = np.ascontiguousarray(picture.transpose(2, 0, 1))
    return dict(inputs=torch.from_numpy(chw), data_samples=sample)


def letterbox_pose(cut: FaceCut, size: int, flip: bool = False) -> Pose:
    """The whole cut in the upper left corner of a square, its longer side as long as that."""
    height, width = cut.image.shape[:2]
    scale = size / max(height, width)
    x, y = (scale * (low + high) / 2 for low, high in zip(cut.box[:2], cut.box[2:]))
    return Pose(width * scale - x if flip else x, y, scale, flip=flip)


def _angle(rng: Random) -> float:
    return float(np.radians(rng.normal(0, 9)).clip(-.5, .5))


def _seen(box: Box, size: int) -> float:
    """Share of a box inside the picture."""
    whole = np.array(box)
    return float(box_area(clip_boxes(whole, (size, size))) / box_area(whole))


def _crop_pose(rng: Random, box: Box, size: int) -> Pose:
    """A face 45 to 140 % as high as the picture, most of it visible."""
    while True:
        high = size * rng.uniform(.45, 1.4)
        x, y = size / 2 + rng.normal(0, .15, 2) * size
        pose = Pose(x, y, high / (box[3] - box[1]), np.exp(rng.normal(0, .08)), _angle(rng),
                    rng.random() < .5)
        if _seen(pose.place(box), size) > .65:
            return pose


def _scene_pose(rng: Random, box: Box, size: int, crowd: float,
                taken: Sequence[Box]) -> Pose | None:
    """A place where the face is in view and covers no other one; None if none was found."""
    for _ in range(8):
        high = (size * crowd * np.exp(rng.uniform(np.log(.15), np.log(.9)))).clip(24, .9 * size)
        x, y = rng.uniform(0, size, 2)
        pose = Pose(x, y, high / (box[3] - box[1]), np.exp(rng.normal(0, .08)), _angle(rng),
                    rng.random() < .5)
        new = pose.place(box)
        # Hair and shoulders around the box are pasted too, hence the room.
        room = np.array(new) + np.array([-.2, -.3, .2, .2]) * high
        if _seen(new, size) > .7 and not any(_overlap(room, other) for other in taken):
            return pose
    return None


def _overlap(box: np.ndarray, other: Box) -> bool:
    return (box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3])
