"""SSFER: one student, one EMA teacher, and the two training steps between them."""
from copy import deepcopy
from typing import Dict, List, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmpretrain.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ssfer_mm.errors import UserError

from .ema import decay_at, ema_update
from .facemix import FaceMixBatch
from .losses import soft_cross_entropy
from .mirror import add_mirror_scores
from .pretrained import load_backbone


@MODELS.register_module()
class SSFER(BaseModel):
    """Semi-supervised facial expression recognition (arXiv 2410.17622).

    Wraps any mmpretrain ``ImageClassifier``. What a step does follows from its batch: labeled
    images alone make a supervised step (stage II), labeled and unlabeled ones a semi-supervised
    step (stage III). The teacher is an exponential moving average of the student in both stages;
    it makes the pseudo-labels, is what validation measures, and is what gets exported.

    Args:
        classifier: Config of an ``ImageClassifier``; student and teacher are built from copies.
        data_preprocessor: Config of :class:`SSFERDataPreprocessor`.
        pretrained: Checkpoint of stage I (or of any training with the same backbone); its backbone
            is loaded and every weight accounted for. None trains from scratch.
        pseudo_label: Config of the pseudo-label rule; None means ``ConfidenceThreshold``, 0.7.
        unlabeled_weight: Weight of the unlabeled loss.
        ema_decay: Decay of the teacher per optimizer step, in [0, 1].
        ema_warmup: Let the decay rise over the first steps; for short runs.
        pseudo_labels_from: ``'teacher'``, or ``'student'`` as in FixMatch.
        flip_test: At validation look at the mirror image too, for a second set of figures, such as
            ``accuracy_tta`` (see ``ExpressionAccuracy``). It changes no other figure.

    Raises:
        UserError: An argument is out of range, or ``pretrained`` is missing or does not fit.
    """

    def __init__(self,
                 classifier: dict,
                 data_preprocessor: dict,
                 pretrained: Optional[str] = None,
                 pseudo_label: Optional[dict] = None,
                 unlabeled_weight: float = 5.0,
                 ema_decay: float = 0.999,
                 ema_warmup: bool = False,
                 pseudo_labels_from: str = 'teacher',
                 flip_test: bool = False) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        if pseudo_labels_from not in ('teacher', 'student'):
            raise UserError("SSFER: pseudo_labels_from is 'teacher' or 'student', "
                            f'got {pseudo_labels_from!r}')
        if not 0 <= ema_decay <= 1:
            raise UserError(f'SSFER: ema_decay must be in [0, 1], got {ema_decay}')
        _check_classes(classifier, data_preprocessor)
        # Deep copies: some mmpretrain components append to the lists of their own config.
        self.student = MODELS.build(deepcopy(classifier))
        self.teacher = MODELS.build(deepcopy(classifier)).requires_grad_(False)
        self.pretrained = pretrained
        self.pseudo_label = MODELS.build(pseudo_label or dict(type='ConfidenceThreshold'))
        self.facemix_loss = MODELS.build(dict(type='FaceMixLoss'))
        self.pseudo_label_loss = MODELS.build(dict(type='PseudoLabelLoss'))
        self.unlabeled_weight = unlabeled_weight
        self.ema_decay = ema_decay
        self.ema_warmup = ema_warmup
        self.pseudo_labels_from = pseudo_labels_from
        self.flip_test = flip_test
        self.register_buffer('ema_steps', torch.zeros((), dtype=torch.long))
        # A rejected image has no gradient, so it need not enter the student, unless it would
        # still shift the batch statistics of the others.
        self.has_batch_statistics = any(isinstance(m, _BatchNorm) for m in self.student.modules())
        self.last_pseudo_labels: Optional[dict] = None

    def init_weights(self) -> None:
        """Initialise the student, load stage I into it, and start the teacher as its twin."""
        self.student.init_weights()
        if self.pretrained is not None:
            load_backbone(self.student.backbone, self.pretrained)
        self.sync_teacher()
        self._is_init = True

    def train(self, mode: bool = True) -> 'SSFER':
        """Set the mode of the student; the teacher always predicts in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self,
                inputs: Union[Tensor, Dict[str, Tensor]],
                data_samples: Union[List, Dict[str, List], None] = None,
                mode: str = 'tensor'):
        """mmengine's entry point.

        Args:
            inputs: In mode ``loss`` the dictionary of :class:`SSFERDataPreprocessor`, else images
                (B, 3, H, W), normalised.
            data_samples: The data samples of the same batch.
            mode: ``loss`` -> dict of losses and figures to log; ``predict`` -> data samples with
                the teacher's prediction; ``tensor`` -> the teacher's logits (B, K).
        """
        if mode != 'loss':
            predicted = self.teacher(inputs, data_samples, mode=mode)
            if mode == 'predict' and self.flip_test:
                return add_mirror_scores(self.teacher, inputs, predicted)
            return predicted
        if 'weak' in inputs:
            return self.semi_supervised_step(inputs, data_samples)
        return self.supervised_step(inputs)

    # ---- stage II -------------------------------------------------------------------------

    def supervised_step(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """Cross-entropy on the labeled images, or the FaceMix loss where they were mixed."""
        if 'facemix' in inputs:
            return self.facemix_step(inputs['facemix'])
        logits = self.student(inputs['labeled'])
        return dict(loss_labeled=soft_cross_entropy(logits, inputs['targets']).mean(),
                    train_accuracy=_accuracy(logits, inputs['targets']))

    def facemix_step(self, batch: FaceMixBatch) -> Dict[str, Tensor]:
        """One pass over mixed and real images together, then the IoU-weighted loss."""
        counts = batch.real_weight > 0
        real, mixed = batch.images[counts], batch.mixed
        logits = self.student(torch.cat([mixed, real]))
        loss = self.facemix_loss(logits[:len(mixed)], batch.mixed_targets, logits[len(mixed):],
                                 batch.targets[counts], batch.real_weight[counts])
        return dict(
            loss_facemix=loss,
            iou_mean=batch.iou.mean(),
            iou_std=batch.iou.std(unbiased=False),
            boxes_missing=batch.missing.float().mean())

    # ---- stage III ------------------------------------------------------------------------

    def semi_supervised_step(self, inputs: Dict[str, Tensor],
                             data_samples: Dict[str, List]) -> Dict[str, Tensor]:
        """Labeled loss + ``unlabeled_weight`` * pseudo-label loss, in one student pass."""
        labeled, strong = inputs['labeled'], inputs['strong']
        pseudo = self.pseudo_label(self.probabilities(inputs['weak']))
        self._remember(pseudo, data_samples['unlabeled'])

        kept = slice(None) if self.has_batch_statistics else pseudo.weights > 0
        logits = self.student(torch.cat([labeled, strong[kept]]))
        labeled_logits, strong_logits = logits[:len(labeled)], logits[len(labeled):]

        loss_labeled = soft_cross_entropy(labeled_logits, inputs['targets']).mean()
        loss_unlabeled = self.pseudo_label_loss(strong_logits, pseudo.labels[kept],
                                                pseudo.weights[kept], total=len(strong))
        return dict(
            loss_labeled=loss_labeled,
            loss_unlabeled=self.unlabeled_weight * loss_unlabeled,
            coverage=(pseudo.weights > 0).float().mean(),
            confidence=pseudo.confidence.mean(),
            train_accuracy=_accuracy(labeled_logits, inputs['targets']))

    @torch.no_grad()
    def probabilities(self, weak: Tensor) -> Tensor:
        """Class probabilities (N, K) of the weak views, from whoever makes the pseudo-labels."""
        if self.pseudo_labels_from == 'teacher':
            return F.softmax(self.teacher(weak).float(), dim=1)
        training = self.student.training
        self.student.eval()
        logits = self.student(weak)
        nn.Module.train(self.student, training)
        return F.softmax(logits.float(), dim=1)

    def _remember(self, pseudo, samples: List) -> None:
        """Keep this step's pseudo-labels where a monitor can find them."""
        self.last_pseudo_labels = dict(
            ids=[sample.get('sample_id') for sample in samples],
            labels=pseudo.labels,
            accepted=pseudo.weights > 0)

    def get_layer_depth(self, param_name: str) -> Tuple[int, int]:
        """Depth of the student's layer that a weight is in, and how many layers there are.

        For mmpretrain's ``LearningRateDecayOptimWrapperConstructor``.

        Raises:
            UserError: The backbone does not know.
        """
        try:
            return self.student.get_layer_depth(param_name.removeprefix('student.'))
        except NotImplementedError as error:
            raise UserError(f'{type(self.student.backbone).__name__} does not tell the depths of '
                            'its layers, which learning rates are to depend on: remove '
                            'optim_wrapper.constructor, or use a ViT, Swin or ConvNeXt') from error

    # ---- the teacher ----------------------------------------------------------------------

    def update_teacher(self) -> None:
        """Follow the student; to be called once after each optimizer step."""
        # Reading the counter would make a GPU wait, so it is read only where it matters.
        step = int(self.ema_steps) if self.ema_warmup else 0
        decay = decay_at(step, self.ema_decay, self.ema_warmup)
        ema_update(self.teacher, self.student, decay)
        self.ema_steps += 1

    @torch.no_grad()
    def sync_teacher(self) -> None:
        """Make the teacher an exact copy of the student."""
        self.teacher.load_state_dict(self.student.state_dict())

    @torch.no_grad()
    def sync_student(self) -> None:
        """Make the student an exact copy of the teacher: stage III starts from the average."""
        self.student.load_state_dict(self.teacher.state_dict())


def _check_classes(classifier: dict, data_preprocessor: dict) -> None:
    head = (classifier.get('head') or {}).get('num_classes')
    labels = data_preprocessor.get('num_classes')
    if None not in (head, labels) and head != labels:
        raise UserError(f'SSFER: model.classifier.head.num_classes is {head}, but '
                        f'data_preprocessor.num_classes is {labels}: set both to the number of '
                        'classes of the dataset')


def _accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of rows whose highest logit is the highest target, in [0, 1]."""
    return (logits.argmax(dim=1) == targets.argmax(dim=1)).float().mean()
