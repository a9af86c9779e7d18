"""From uint8 batches to what the SSFER model trains on."""
from typing import Dict, List, Optional, Sequence

import torch
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.registry import BATCH_AUGMENTS, MODELS
from torch import Tensor

from ssfer_mm.errors import UserError

from .facemix import FaceMixBatch, one_hot


@MODELS.register_module()
class SSFERDataPreprocessor(ClsDataPreprocessor):
    """Normalise every source and, in supervised batches, apply FaceMix.

    mmpretrain's batch augments are handed no boxes and must return one image batch; FaceMix needs
    the boxes, and its loss both the mixed and the real images. So it is called here.

    Args:
        mean: Of the RGB channels, in 0-255.
        std: Of the RGB channels, in 0-255.
        num_classes: K.
        to_rgb: Images arrive as BGR.
        facemix: Config of :class:`FaceMix`, or None to train on the real images only.
    """

    def __init__(self,
                 mean: Sequence[float],
                 std: Sequence[float],
                 num_classes: int,
                 to_rgb: bool = True,
                 facemix: Optional[dict] = None) -> None:
        super().__init__(mean=mean, std=std, to_rgb=to_rgb, num_classes=num_classes)
        self.facemix = BATCH_AUGMENTS.build(facemix) if facemix else None

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare one batch.

        A batch of ``collate_sources`` becomes ``inputs`` with the keys of that batch (float,
        normalised), ``targets`` (B, K) and, with FaceMix, ``facemix`` (:class:`FaceMixBatch`).
        Any other batch goes the way of mmpretrain's ``ClsDataPreprocessor``.
        """
        if not isinstance(data['inputs'], dict):
            return super().forward(data, training)
        inputs: Dict[str, object] = {
            source: self._normalise(images.to(self.device, non_blocking=True))
            for source, images in data['inputs'].items()
        }
        samples = data['data_samples']
        if 'labeled' in inputs:
            inputs['targets'] = self._targets(samples['labeled'])
            if training and self.facemix is not None and 'weak' not in inputs:
                inputs['facemix'] = self._facemix(inputs, samples['labeled'])
        return dict(inputs=inputs, data_samples=samples)

    def _normalise(self, images: Tensor) -> Tensor:
        if self.to_rgb:
            images = images.flip(1)
        return (images.float() - self.mean) / self.std

    def _targets(self, samples: List) -> Tensor:
        labels = torch.cat([sample.gt_label for sample in samples]).to(self.device)
        if int(labels.max()) >= self.num_classes:
            raise UserError(f'a label is {int(labels.max())}, but the model has num_classes='
                            f'{self.num_classes}: set data_preprocessor.num_classes and the '
                            'head to the number of classes of the dataset')
        return one_hot(labels, self.num_classes)

    def _facemix(self, inputs: dict, samples: List) -> FaceMixBatch:
        boxes = None
        if all('face_box' in sample for sample in samples):
            boxes = torch.stack([sample.face_box for sample in samples]).to(self.device)
        return self.facemix.mix(inputs['labeled'], inputs['targets'], boxes)
