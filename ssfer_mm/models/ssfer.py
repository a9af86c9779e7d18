"""SSFER: one student, one EMA teacher, and the two training steps between them."""
from copy import deepcopy
from typing import Dict, List, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmpretrain.registry import BATCH_AUGMENTS, MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ssfer_mm.checkpoints.load import load_all
from ssfer_mm.images.name import name_of

from .checks import check_classes, check_head, check_ranges, check_rejected, warn_of_other_losses
from .class_prior import ClassPrior
from .class_scores import class_scores
from .cls_token_layer import compute_cls_token_only
from .ema import MovingAverage, decay_at
from .facemix import one_hot
from .features import last_layer, layer_depth, mean_of_views, predict
from .kept_views import kept_views
from .labeled_part import labeled_images, labeled_losses
from .losses import sharpen
from .mirror import add_mirror_scores
from .pretrained import load_backbone
from .pseudo_labels import LabeledPredictions, PseudoLabels, apply_rule


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
        unlabeled_weight: Weight of the unlabeled loss, >= 0.
        ema_decay: Decay of the teacher per optimizer step, in [0, 1].
        ema_warmup: Let the decay rise over the first steps; for short runs.
        pseudo_labels_from: ``'teacher'``, or ``'student'`` as in FixMatch.
        skip_rejected: Keep strong views that have no pseudo-label out of the student, but for the
            few of :func:`kept_views`. They have no gradient, but in a network with batch norm they
            count in the batch's statistics. None keeps them out where nothing else changes: where
            no layer has such statistics and no other loss looks at them.
        flip_test: At validation look at the mirror image too, for a second set of figures, such as
            ``accuracy_tta`` (see ``ExpressionAccuracy``). It changes no other figure.
        logit_adjustment: Beyond the paper, like all that follow. Config of
            :class:`LogitAdjustment` for the losses of stage II.
        semi_logit_adjustment: The same for those of stage III.
        label_temperature: 0 for hard pseudo-labels, else the probabilities are the labels, their
            logits divided by this.
        pseudo_mixup: Config of :class:`PseudoMixup` for the strong views.
        pseudo_label_loss: Config of the loss on pseudo-labels; None means ``PseudoLabelLoss``.
        rejected_loss: Config of a further loss on the strong views that have no pseudo-label:
            ``NegativeLearning`` or ``RejectedConsistency``.
        fairness: Config of :class:`SelfAdaptiveFairness`, a loss on the accepted strong views.

    Raises:
        UserError: An argument is out of range, two do not go together, or ``pretrained`` is
            missing or does not fit.
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
                 skip_rejected: Optional[bool] = None,
                 flip_test: bool = False,
                 logit_adjustment: Optional[dict] = None,
                 semi_logit_adjustment: Optional[dict] = None,
                 label_temperature: float = 0.0,
                 pseudo_mixup: Optional[dict] = None,
                 pseudo_label_loss: Optional[dict] = None,
                 rejected_loss: Optional[dict] = None,
                 fairness: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor)
        check_ranges(pseudo_labels_from, unlabeled_weight, ema_decay, label_temperature)
        check_classes(classifier, data_preprocessor)
        warn_of_other_losses(classifier)
        check_rejected(rejected_loss, skip_rejected, pseudo_mixup)
        # Deep copies: some mmpretrain components append to the lists of their own config.
        self.student = MODELS.build(deepcopy(classifier))
        self.teacher = MODELS.build(deepcopy(classifier)).requires_grad_(False)
        check_head(getattr(self.student, 'head', None))
        for network in (self.student, self.teacher):
            compute_cls_token_only(network)
        self.pretrained = pretrained
        self._build_rules(data_preprocessor['num_classes'], pseudo_label, pseudo_label_loss,
                          fairness)
        self._build_options(logit_adjustment, semi_logit_adjustment, pseudo_mixup, rejected_loss)
        self.unlabeled_weight = unlabeled_weight
        self.ema_decay, self.ema_warmup = ema_decay, ema_warmup
        self.pseudo_labels_from = pseudo_labels_from
        self.flip_test = flip_test
        self.label_temperature = label_temperature
        self.register_buffer('ema_steps', torch.zeros((), dtype=torch.long))
        self.has_batch_statistics = any(isinstance(m, _BatchNorm) for m in self.student.modules())
        changes_nothing_else = not (self.has_batch_statistics or rejected_loss)
        self.skip_rejected = changes_nothing_else if skip_rejected is None else skip_rejected
        self.last_pseudo_labels: Optional[dict] = None
        self._average: Optional[MovingAverage] = None

    def _build_rules(self, num_classes: int, pseudo_label: Optional[dict],
                     pseudo_label_loss: Optional[dict], fairness: Optional[dict]) -> None:
        """What makes pseudo-labels, and what is learned from them."""
        self.pseudo_label = MODELS.build(pseudo_label or dict(type='ConfidenceThreshold'))
        self.pseudo_label.set_classes(num_classes)
        if self.pseudo_label.sees_features:
            self.pseudo_label.set_features(last_layer(self.teacher).in_features)
        self.pseudo_label_loss = MODELS.build(pseudo_label_loss or dict(type='PseudoLabelLoss'))
        self.fairness = MODELS.build(fairness) if fairness else None
        if self.fairness is not None:
            self.fairness.set_classes(num_classes)

    def _build_options(self, adjustment: Optional[dict], semi_adjustment: Optional[dict],
                       pseudo_mixup: Optional[dict], rejected_loss: Optional[dict]) -> None:
        """What the paper does not have; each is nothing, unless its config is given."""
        unchanged = nn.Identity()
        self.adjust = MODELS.build(adjustment) if adjustment else unchanged
        self.semi_adjust = MODELS.build(semi_adjustment) if semi_adjustment else unchanged
        both = semi_adjustment and self.semi_adjust.pseudo_labels
        self.adjust_pseudo_labels = self.semi_adjust if both else unchanged
        self.pseudo_mixup = BATCH_AUGMENTS.build(pseudo_mixup) if pseudo_mixup else None
        self.rejected_loss = MODELS.build(rejected_loss) if rejected_loss else None

    def init_weights(self) -> None:
        """Initialize the student, load stage I into it, and start the teacher as its twin."""
        self.student.init_weights()
        if self.pretrained is not None:
            load_backbone(self.student.backbone, self.pretrained)
        self.sync_teacher()
        self._is_init = True

    def train(self, mode: bool = True) -> 'SSFER':
        """Set the mode of the student; the teacher always predicts in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        self._average = None  # whatever replaced weights did so before an epoch begins
        return self

    def forward(self,
                inputs: Union[Tensor, Dict[str, Tensor]],
                data_samples: Union[List, Dict[str, List], None] = None,
                mode: str = 'tensor'):
        """mmengine's entry point.

        Args:
            inputs: In mode ``loss`` the dictionary of :class:`SSFERDataPreprocessor`, else images
                (B, 3, H, W), normalized.
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
        logits = class_scores(self.student, labeled_images(inputs))
        return labeled_losses(logits, inputs, self.adjust)

    # ---- stage III ------------------------------------------------------------------------

    def semi_supervised_step(self, inputs: Dict[str, Tensor],
                             data_samples: Dict[str, List]) -> Dict[str, Tensor]:
        """Labeled loss + ``unlabeled_weight`` * pseudo-label loss, in one student pass."""
        labeled = labeled_images(inputs)
        pseudo = self.make_pseudo_labels(inputs)
        self.last_pseudo_labels = dict(  # for a monitor to find
            ids=[name_of(sample) for sample in data_samples['unlabeled']],
            labels=pseudo.labels, accepted=pseudo.weights)
        strong, labels, weights = self.strong_batch(inputs['strong'], pseudo)

        kept = self.kept_views(weights, len(labeled))
        logits = class_scores(self.student, torch.cat([labeled, strong[kept]]))
        labeled_logits, strong_logits = logits[:len(labeled)], logits[len(labeled):]

        losses = labeled_losses(labeled_logits, inputs, self.semi_adjust)
        adjusted = self.adjust_pseudo_labels(strong_logits)
        loss_unlabeled = self.pseudo_label_loss(adjusted, labels[kept], weights[kept],
                                                total=len(strong))
        losses.update(
            loss_unlabeled=self.unlabeled_weight * loss_unlabeled,
            coverage=pseudo.weights.mean(),
            confidence=pseudo.confidence.mean())
        if self.rejected_loss is not None:
            losses['loss_rejected'] = self.rejected_loss(adjusted, pseudo.probabilities,
                                                         1 - pseudo.weights)
        if self.fairness is not None:
            losses['loss_fairness'] = self.fairness(adjusted, weights[kept], pseudo, len(strong))
        return losses

    def kept_views(self, weights: Tensor, labeled: int) -> Union[Tensor, slice]:
        """Index of the strong views (of N, with these weights (N,) of their pseudo-labels) that the
        student sees, beside so many labeled images."""
        if not self.skip_rejected:
            return slice(None)
        # One image has no variance.
        return kept_views(weights, labeled, least=2 if self.has_batch_statistics else 0)

    def strong_batch(self, strong: Tensor, pseudo: PseudoLabels) -> Tuple[Tensor, Tensor, Tensor]:
        """Strong views, their labels (N,) or (N, K), and weights; softened and mixed if asked."""
        labels = pseudo.labels
        if self.label_temperature:
            labels = sharpen(pseudo.probabilities, self.label_temperature)
        if self.pseudo_mixup is None:
            return strong, labels, pseudo.weights
        if labels.ndim == 1:
            labels = one_hot(labels, pseudo.probabilities.size(1))
        return self.pseudo_mixup.mix(strong, labels, pseudo)

    @torch.no_grad()
    def make_pseudo_labels(self, inputs: Dict[str, Tensor]) -> PseudoLabels:
        """What the rule says of the N unlabeled images, by their weak views.

        Some rules see the labeled images of the batch too. Where each unlabeled image has several
        weak views (V * N of them, as :class:`DeviceViews` arranges them), the rule gets the means
        of their probabilities and features.
        """
        weak, unlabeled = inputs['weak'], len(inputs['strong'])
        labeled, sees_labeled = None, self.pseudo_label.sees_labeled
        images = torch.cat([weak, inputs['labeled']]) if sees_labeled else weak
        probabilities, features = self.probabilities(images)
        if sees_labeled:
            labeled = LabeledPredictions(probabilities[len(weak):], inputs['targets'],
                                         None if features is None else features[len(weak):])
        probabilities = mean_of_views(probabilities[:len(weak)], unlabeled)
        if features is not None:
            features = mean_of_views(features[:len(weak)], unlabeled)
        return apply_rule(self.pseudo_label, probabilities, labeled, features)

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tuple[Tensor, Optional[Tensor]]:
        """Class probabilities (N, K) of images (N, 3, H, W), by the network that makes the
        pseudo-labels, and its features (N, D) if the rule asks for them."""
        network = self.teacher if self.pseudo_labels_from == 'teacher' else self.student
        logits, features = predict(network, images, self.pseudo_label.sees_features)
        # Older PyTorch's autocast would use the casts made here, which have no gradient, again in
        # the student's own pass.
        torch.clear_autocast_cache()
        return F.softmax(self.adjust_pseudo_labels(logits).float(), dim=1), features

    def learn_class_counts(self, counts: Tensor) -> None:
        """Tell the parts that want to know how many labeled images (K,) each class has."""
        for module in self.modules():
            if isinstance(module, ClassPrior):
                module.learn(counts)

    def get_layer_depth(self, param_name: str) -> Tuple[int, int]:
        """For mmpretrain's ``LearningRateDecayOptimWrapperConstructor``: :func:`layer_depth`."""
        return layer_depth(self.student, param_name.removeprefix('student.'))

    # ---- the teacher ----------------------------------------------------------------------

    def update_teacher(self) -> None:
        """Follow the student; to be called once after each optimizer step."""
        if self._average is None or not self._average.lasting:
            # To read the counter makes a GPU wait, so it is read once and then counted beside it,
            # and not at all where it does not matter.
            steps = int(self.ema_steps) if self.ema_warmup else 0
            self._average = MovingAverage(self.teacher, self.student, steps)
        decay = decay_at(self._average.steps, self.ema_decay, self.ema_warmup)
        self._average.update(decay)
        self.ema_steps += 1

    @torch.no_grad()
    def sync_teacher(self) -> None:
        """Make the teacher an exact copy of the student."""
        load_all(self.teacher, self.student.state_dict())

    @torch.no_grad()
    def sync_student(self) -> None:
        """Make the student an exact copy of the teacher: stage III starts from the average."""
        load_all(self.student, self.teacher.state_dict())
