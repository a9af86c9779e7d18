"""From uint8 batches to what the SSFER model trains on."""
from typing import Dict, List, Optional, Sequence, Union

import torch
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.registry import BATCH_AUGMENTS, MODELS
from torch import Tensor

from ssfer_mm.errors import UserError

from .facemix import one_hot
from .online_boxes import OnlineBoxes


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
        box_source: Where FaceMix's boxes come from. ``'tracked'``: the data samples, which carry
            a box through augmentation. ``'online'``: a detector looks at each augmented batch, as
            in the paper.
        detector: For ``'online'``: what :func:`ssfer_mm.faces.detectors.build_detector` takes;
            None means ``'embedded'``. It is no part of the model's parameters or state.

    Raises:
        UserError: ``box_source`` is unknown, or a detector is given that nothing would use.
    """

    def __init__(self,
                 mean: Sequence[float],
                 std: Sequence[float],
                 num_classes: int,
                 to_rgb: bool = True,
                 facemix: Optional[dict] = None,
                 box_source: str = 'tracked',
                 detector: Union[str, dict, None] = None) -> None:
        super().__init__(mean=mean, std=std, to_rgb=to_rgb, num_classes=num_classes)
        if box_source not in ('tracked', 'online'):
            raise UserError("SSFERDataPreprocessor: box_source is 'tracked' or 'online', "
                            f'got {box_source!r}')
        if detector is not None and box_source != 'online':
            raise UserError('SSFERDataPreprocessor: a detector is given, but box_source is '
                            f"{box_source!r}; set box_source='online' or remove the detector")
        self.facemix = BATCH_AUGMENTS.build(facemix) if facemix else None
        self.online_boxes = None
        if box_source == 'online' and self.facemix is not None:
            self.online_boxes = OnlineBoxes(detector or 'embedded', bgr=to_rgb)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare one batch.

        A batch of ``collate_sources`` becomes ``inputs`` with the keys of that batch (float,
        normalised), ``targets`` (B, K) and, with FaceMix, ``facemix`` (:class:`FaceMixBatch`).
        A target is the sample's ``gt_score`` where it has one, else its label, one-hot.
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
                boxes = self._boxes(data['inputs']['labeled'], samples['labeled'])
                inputs['facemix'] = self.facemix.mix(inputs['labeled'], inputs['targets'], boxes)
        return dict(inputs=inputs, data_samples=samples)

    def _normalise(self, images: Tensor) -> Tensor:
        if self.to_rgb:
            images = images.flip(1)
        # In place: on a CPU, memory for another batch of floats costs more than to fill it.
        return images.to(torch.float32, copy=True).sub_(self.mean).div_(self.std)

    def _targets(self, samples: List) -> Tensor:
        labels = torch.cat([sample.gt_label for sample in samples]).to(self.device)
        if int(labels.max()) >= self.num_classes:
            raise UserError(f'a label is {int(labels.max())}, but the model has num_classes='
                            f'{self.num_classes}: set data_preprocessor.num_classes and the '
                            'head to the number of classes of the dataset')
        targets = one_hot(labels, self.num_classes)
        scored = [i for i, sample in enumerate(samples) if 'gt_score' in sample]
        if scored:
            scores = torch.stack([self._scores(samples[i]) for i in scored])
            targets[scored] = scores.to(self.device)
        return targets

    def _scores(self, sample) -> Tensor:
        if sample.gt_score.shape != (self.num_classes, ):
            raise UserError(f'{sample.get("sample_id", "an image")} has '
                            f'{sample.gt_score.numel()} class scores, but the model has '
                            f'num_classes={self.num_classes}: set data_preprocessor.num_classes '
                            'and the head to the number of classes of the dataset')
        return sample.gt_score

    def _boxes(self, views: Tensor, samples: List) -> Optional[Tensor]:
        """Face boxes (B, 4) in pixels of the views, NaN where unknown; None without any."""
        if self.online_boxes is not None:
            return self.online_boxes(views, self.device)
        if all('face_box' in sample for sample in samples):
            return torch.stack([sample.face_box for sample in samples]).to(self.device)
        return None
