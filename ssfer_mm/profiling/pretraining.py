"""What stage I asks of a machine: its networks counted, its input timed."""
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS, TRANSFORMS
from torch import Tensor
from torch.utils.data import default_collate

from ssfer_mm.datasets.stored_faces import StoredFaces
from ssfer_mm.errors import UserError

from .arithmetic import StepWork, count_step


@dataclass(frozen=True)
class ImageCost:
    """Of a stored image.

    Attributes:
        seconds: Processor time to read, decode, augment and collate it.
        bytes: Its file.
        measured_on: How many images; 0 if it is given, not measured.
    """
    seconds: float
    bytes: float
    measured_on: int = 0


class Pretraining:
    """The networks and the optimizer of a stage I config, on the CPU.

    Args:
        cfg: As from `load_config`.

    Raises:
        UserError: The config is not one of stage I.
    """

    def __init__(self, cfg: Config) -> None:
        if cfg.model.get('type') != 'MAE':
            raise UserError(f'{cfg.filename}: its model is {cfg.model.get("type")}; the cost model '
                            'knows stage I only: name a config of configs/mae')
        settings = dict(cfg.model, data_preprocessor=cfg.data_preprocessor)
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            self.model = MODELS.build(settings).train()
            self.optimizer = build_optim_wrapper(self.model, cfg.optim_wrapper).optimizer
        self.size = cfg.model.backbone.get('img_size', 224)

    @property
    def parameters(self) -> int:
        """Weights that are trained."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def passes(self, images: Tensor) -> None:
        """Forward and backward, from uint8 images (B, 3, H, W); leaves gradients."""
        data = self.model.data_preprocessor(dict(inputs=images, data_samples=None), True)
        sum(self.model(**data, mode='loss').values()).backward()

    def update(self) -> None:
        """The optimizer's step."""
        self.optimizer.step()
        self.optimizer.zero_grad()

    def images(self, number: int) -> Tensor:
        """Noise of the right size, uint8 (B, 3, H, W)."""
        return torch.randint(0, 256, (number, 3, self.size, self.size), dtype=torch.uint8)

    def work(self) -> StepWork:
        """Counted in float32. One image goes before, so that the optimizer has its moments."""
        self.passes(self.images(1))
        self.update()

        def step(number: int) -> None:
            self.optimizer.zero_grad()
            self.passes(self.images(number))

        return count_step(step, self.update)


def time_images(cfg: Config, folder: Path, count: int = 200) -> ImageCost:
    """What one loader process needs for an image of ``folder``, in this machine's processor time.

    Args:
        cfg: Whose pipeline is used; a cache of decoded images is left out.
        folder: Images, at any depth.
        count: At most so many are timed, after a few to warm up.

    Raises:
        UserError: There are no images.
    """
    pipeline = [TRANSFORMS.build({key: value for key, value in dict(step).items()
                                  if key != 'cache_gb'})
                for step in cfg.train_dataloader.dataset.pipeline]
    faces = StoredFaces([dict(type='ImageFolder', path=str(folder))], pipeline)
    count = min(count, len(faces))
    chosen = [number * len(faces) // count for number in range(count)]
    for index in chosen[:8]:
        faces[index]
    begin = time.process_time()
    for at in range(0, count, 32):
        default_collate([faces[index]['inputs'] for index in chosen[at:at + 32]])
    seconds = (time.process_time() - begin) / count
    size = sum(len(faces.source.read(index)) for index in chosen) / count
    return ImageCost(seconds, size, count)
