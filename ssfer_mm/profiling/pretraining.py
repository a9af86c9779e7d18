"""What stage I asks of a machine: its networks counted, its input timed."""
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS, TRANSFORMS
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils.data import default_collate

from ssfer_mm.datasets.stored_faces import StoredFaces
from ssfer_mm.errors import UserError
from ssfer_mm.models import FaceMAE

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
        UserError: The config is not one of MAE.
    """

    def __init__(self, cfg: Config) -> None:
        kind = (cfg.get('model') or {}).get('type')
        if kind not in ('MAE', 'FaceMAE'):
            raise UserError(f'{cfg.filename}: its model is {kind}; the cost model knows MAE only, '
                            'neither SparK nor the other stages: name one of configs/mae/mae_*.py')
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
        samples = None
        if isinstance(self.model, FaceMAE):  # its mask follows a box, which costs next to nothing
            box = torch.tensor([0., 0., self.size, self.size])
            samples = [DataSample(face_box=box) for _ in images]
        data = self.model.data_preprocessor(dict(inputs=images, data_samples=samples), True)
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
