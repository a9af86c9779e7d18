"""From uint8 batches to what the SSFER model trains on."""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmpretrain.models import ClsDataPreprocessor
from mmpretrain.registry import BATCH_AUGMENTS, MODELS
from torch import Tensor

from ssfer_mm.errors import UserError

from .device_views import Crops
from .facemix import one_hot
from .online_boxes import OnlineBoxes


@MODELS.register_module()
class SSFERDataPreprocessor(ClsDataPreprocessor):
    """Normalize every source and, in supervised batches, apply FaceMix.

    mmpretrain's batch augments are handed no boxes and must return one image batch; FaceMix needs
    the boxes, and its loss both the mixed and the real images. So it is called here.

    Args:
        mean: Of the RGB channels, in 0-255.
        std: Of the RGB channels, in 0-255.
        num_classes: K.
        to_rgb: Images arrive as BGR.
        facemix: Config of :class:`FaceMix`, or None to train on the real images only.
        semi_facemix: Beyond the paper: FaceMix in stage III too, on its labeled images.
        box_source: Where FaceMix's boxes come from. ``'tracked'``: the data samples, which carry
            a box through augmentation. ``'online'``: a detector looks at each augmented batch, as
            in the paper.
        detector: For ``'online'``: what :func:`ssfer_mm.faces.detectors.build_detector` takes;
            None means ``'embedded'``. It is not part of the model's parameters or state.
        views: Config of :class:`DeviceViews`: training batches bring whole faces, ``labeled`` and
            ``unlabeled``, and their views are made here. None: the pipelines make them.

    Raises:
        UserError: ``box_source`` is unknown, or a detector or ``semi_facemix`` is given that
            nothing would use.
    """

    def __init__(self,
                 mean: Sequence[float],
                 std: Sequence[float],
                 num_classes: int,
                 to_rgb: bool = True,
                 facemix: Optional[dict] = None,
                 semi_facemix: bool = False,
                 box_source: str = 'tracked',
                 detector: Union[str, dict, None] = None,
                 views: Optional[dict] = None) -> None:
        super().__init__(mean=mean, std=std, to_rgb=to_rgb, num_classes=num_classes)
        if box_source not in ('tracked', 'online'):
            raise UserError("SSFERDataPreprocessor: box_source is 'tracked' or 'online', "
                            f'got {box_source!r}')
        if detector is not None and box_source != 'online':
            raise UserError('SSFERDataPreprocessor: a detector is given, but box_source is '
                            f"{box_source!r}; set box_source='online' or remove the detector")
        if semi_facemix and not facemix:
            raise UserError('SSFERDataPreprocessor: semi_facemix is set, but facemix is None; '
                            'set facemix.type=FaceMix, or semi_facemix=False')
        self.facemix = BATCH_AUGMENTS.build(facemix) if facemix else None
        self.semi_facemix = semi_facemix
        self.views = BATCH_AUGMENTS.build(views) if views else None
        self.online_boxes = None
        if box_source == 'online' and self.facemix is not None:
            self.online_boxes = OnlineBoxes(detector or 'embedded', bgr=to_rgb)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare one batch.

        A batch of ``collate_sources`` becomes ``inputs`` with the keys of that batch (float,
        normalized), ``targets`` (B, K) and, with FaceMix, ``facemix`` (:class:`FaceMixBatch`).
        A target is the sample's ``gt_score`` where it has one, else its label, one-hot.
        Any other batch goes the way of mmpretrain's ``ClsDataPreprocessor``.
        """
        if not isinstance(data['inputs'], dict):
            return super().forward(data, training)
        images = self._to_device(data['inputs'])
        crops = None
        if training:
            images, crops = self._make_views(images)
        inputs: Dict[str, object] = {
            source: self._normalize(pixels) for source, pixels in images.items()}
        samples = data['data_samples']
        if 'labeled' in inputs:
            inputs['targets'] = self._targets(samples['labeled'])
            if training and self._mixes('weak' in inputs):
                boxes = self._boxes(images['labeled'], samples['labeled'], crops)
                inputs['facemix'] = self.facemix.mix(inputs['labeled'], inputs['targets'], boxes)
        return dict(inputs=inputs, data_samples=samples)

    def _mixes(self, semi: bool) -> bool:
        return self.facemix is not None and (self.semi_facemix or not semi)

    def _to_device(self, images: Dict[str, Tensor]) -> Dict[str, Tensor]:
        return {source: pixels.to(self.device, non_blocking=True)
                for source, pixels in images.items()}

    def _make_views(self, faces: Dict[str, Tensor]) -> Tuple[Dict[str, Tensor], Optional[Crops]]:
        """The views of a training batch, and where the labeled ones lie in their faces."""
        if self.views is None:
            if 'unlabeled' in faces:
                raise UserError(
                    'the batch brings whole unlabeled faces, but nothing makes their views: set '
                    'data_preprocessor.views.type=DeviceViews and data_preprocessor.views.size, or '
                    'end train_dataloader.dataset.unlabeled_pipeline in WeakStrongViews and '
                    'PackViews instead of PackUnlabeled, without whole_faces')
            return faces, None
        if 'weak' in faces:
            raise UserError(
                'data_preprocessor.views makes the weak and strong views, but the batch brings '
                'some already: set train_dataloader.dataset.whole_faces to the size of the faces, '
                'or end unlabeled_pipeline in PackUnlabeled and take crops and flips out of both '
                'pipelines; or set data_preprocessor.views=None')
        images, crops = {}, None
        if 'labeled' in faces:
            images['labeled'], crops = self.views.labeled(faces['labeled'])
        if 'unlabeled' in faces:
            images.update(self.views.unlabeled(faces['unlabeled']))
        return images, crops

    def _normalize(self, images: Tensor) -> Tensor:
        if self.to_rgb:
            images = images.flip(1)
        # In place: on a CPU, memory for another batch of floats costs more than to fill it.
        return images.to(torch.float32, copy=not self.to_rgb).sub_(self.mean).div_(self.std)

    def _targets(self, samples: List) -> Tensor:
        # On the host, where the labels are: to ask a GPU for its largest would mean to wait for it.
        labels = torch.cat([sample.gt_label for sample in samples])
        if int(labels.max()) >= self.num_classes:
            raise UserError(f'a label is {int(labels.max())}, but the model has num_classes='
                            f'{self.num_classes}: set data_preprocessor.num_classes and the '
                            'head to the number of classes of the dataset')
        targets = one_hot(labels, self.num_classes)
        scored = [i for i, sample in enumerate(samples) if 'gt_score' in sample]
        if scored:
            scores = torch.stack([self._scores(samples[i]) for i in scored])
            targets[scored] = scores
        return targets.to(self.device, non_blocking=True)

    def _scores(self, sample) -> Tensor:
        if sample.gt_score.shape != (self.num_classes, ):
            raise UserError(f'{sample.get("sample_id", "an image")} has '
                            f'{sample.gt_score.numel()} class scores, but the model has '
                            f'num_classes={self.num_classes}: set data_preprocessor.num_classes '
                            'and the head to the number of classes of the dataset')
        return sample.gt_score

    def _boxes(self, views: Tensor, samples: List, crops: Optional[Crops]) -> Optional[Tensor]:
        """Face boxes (B, 4) in pixels of the views, NaN where unknown; None without any.

        Tracked ones stay on the host, where they come from.
        """
        if self.online_boxes is not None:
            return self.online_boxes(views.to(torch.uint8), self.device)
        if not all('face_box' in sample for sample in samples):
            return None
        boxes = torch.stack([sample.face_box for sample in samples])
        if crops is not None:
            boxes = self.views.move_boxes(boxes, crops)
        return boxes
