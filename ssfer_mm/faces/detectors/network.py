"""What all detectors that are mmdet models share: batches in, faces out."""
from collections import defaultdict
from typing import Callable, Dict, Iterable, List, Sequence, Tuple, Union

import numpy as np
import torch
from torch import Tensor, nn

from ssfer_mm.errors import UserError

from .base import FaceDetector, Faces, best_first, check_images
from .letterbox import letterbox

# One image as the network takes it: uint8 (3, h, w), and mmdet's data sample that says how it
# came about.
Prepared = Tuple[Tensor, object]

MAX_PIXELS = 16_000_000  # of one prepared image; float features of more fill any memory


class MMDetNetwork(FaceDetector):
    """Runs an mmdet model on batches and keeps one of its classes.

    Args:
        name: See :class:`FaceDetector`.
        model: Ready to predict, weights loaded.
        prepare: Raw image -> :data:`Prepared`.
        label: Index of the class that is a face.
        score_threshold: Faces below are dropped; in [0, 1].
        batch_size: Images per forward pass.
        device: Where to run.
    """

    def __init__(self, name: str, model: nn.Module, prepare: Callable[[np.ndarray], Prepared],
                 label: int, score_threshold: float, batch_size: int,
                 device: Union[str, torch.device]) -> None:
        self.name = name
        self.model = model
        self.prepare = prepare
        self.label = label
        self.score_threshold = score_threshold
        self.batch_size = batch_size
        self.device = torch.device('cpu')
        self.to(device)

    def to(self, device: Union[str, torch.device]) -> 'MMDetNetwork':
        """Move the model."""
        device = torch.device(device)
        if device != self.device:
            self.model.to(device)
            self.device = device
        return self

    def detect(self, images: Sequence[np.ndarray]) -> List[Faces]:
        """See :class:`FaceDetector`."""
        check_images(images)
        return self.detect_prepared(map(self.prepare, images))

    def detect_prepared(self, images: Iterable[Prepared]) -> List[Faces]:
        """The same for what `prepare` made of the images, perhaps in other threads.

        Only images of the same prepared size share a forward pass. mmdet would pad the smaller
        ones, and what is found in an image would then depend on its neighbors.
        """
        found: Dict[int, Faces] = {}
        waiting: Dict[torch.Size, List[Tuple[int, Tensor, object]]] = defaultdict(list)
        count = 0
        for number, (pixels, sample) in enumerate(images):
            count += 1
            if pixels[0].numel() > MAX_PIXELS:
                raise UserError(f'{self.name} would look at an image of {pixels.shape[2]} x '
                                f'{pixels.shape[1]} pixels, too large (the most are '
                                f'{MAX_PIXELS:,}): set a smaller one in the file that --detector '
                                'names, such as detector = dict(..., input_size=640)')
            group = waiting[pixels.shape]
            group.append((number, pixels, sample))
            if len(group) == self.batch_size:
                found.update(self._forward(waiting.pop(pixels.shape)))
        for group in waiting.values():
            found.update(self._forward(group))
        return [found[number] for number in range(count)]

    @torch.no_grad()
    def _forward(self, group: List[Tuple[int, Tensor, object]]) -> Dict[int, Faces]:
        numbers, pixels, samples = zip(*group)
        batch = torch.stack(pixels).contiguous(memory_format=torch.channels_last)
        # Under a training's mixed precision too, the boxes are those of a box file.
        with torch.autocast(self.device.type, enabled=False):
            results = self.model.test_step(dict(inputs=batch, data_samples=list(samples)))
        return {number: self._faces(result.pred_instances)
                for number, result in zip(numbers, results)}

    def _faces(self, instances) -> Faces:
        kept = instances.labels == self.label
        return best_first(instances.bboxes[kept].float().cpu().numpy(),
                          instances.scores[kept].float().cpu().numpy(), self.score_threshold)


class LetterboxInput:
    """Prepares an image by fitting it into a square.

    Args:
        size: Side of the square in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, image: np.ndarray) -> Prepared:
        from mmdet.structures import DetDataSample

        square, factors = letterbox(image, self.size)
        sample = DetDataSample(metainfo=dict(
            img_id=0,
            ori_shape=image.shape[:2],
            img_shape=square.shape[:2],
            scale_factor=factors))
        return torch.from_numpy(square).permute(2, 0, 1), sample
