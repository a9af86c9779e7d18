"""Settings of SSFER that cannot work, and what to do about them."""
import logging
from typing import Optional

from mmengine.logging import print_log
from mmpretrain.models import MultiLabelClsHead
from torch import nn

from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

# Settings of mmpretrain's CrossEntropyLoss that change what is learned.
OF_CROSS_ENTROPY = ('class_weight', 'pos_weight', 'loss_weight', 'use_sigmoid')


def check_ranges(pseudo_labels_from: str, unlabeled_weight: float, ema_decay: float,
                 label_temperature: float) -> None:
    """Refuse settings that are out of range.

    Raises:
        UserError: An argument is out of range.
    """
    if pseudo_labels_from not in ('teacher', 'student'):
        raise UserError("SSFER: pseudo_labels_from is 'teacher' or 'student', "
                        f'got {pseudo_labels_from!r}')
    check_number('SSFER', 'unlabeled_weight', unlabeled_weight)
    check_number('SSFER', 'ema_decay', ema_decay, high=1)
    check_number('SSFER', 'label_temperature', label_temperature)


def check_rejected(rejected_loss: Optional[dict], skip_rejected: Optional[bool],
                   pseudo_mixup: Optional[dict]) -> None:
    """Refuse a loss on rejected images that the student does not see as they are.

    Raises:
        UserError: ``rejected_loss`` is given with ``pseudo_mixup`` or ``skip_rejected``.
    """
    if rejected_loss and pseudo_mixup:
        raise UserError('SSFER: pseudo_mixup leaves no strong view of a rejected image for '
                        'rejected_loss; set one of them to None')
    if rejected_loss and skip_rejected:
        raise UserError('SSFER: skip_rejected keeps rejected images out of the student, and '
                        'rejected_loss looks at them; set one of them to None')


def warn_of_other_losses(classifier: dict) -> None:
    """Say what of a classifier's config is not used, where it would change the training."""
    head = classifier.get('head') or {}
    loss = head.get('loss') or {}
    kind = loss.get('type', 'CrossEntropyLoss')
    unused = [f'head.loss={kind}'] if kind != 'CrossEntropyLoss' else [
        f'head.loss.{key}={loss[key]}' for key in OF_CROSS_ENTROPY
        if loss.get(key) not in (None, False, 1)]
    if 'ArcFace' in str(head.get('type')):
        unused.append('head.margins')
    if classifier.get('train_cfg'):
        unused.append('train_cfg')
    if unused:
        print_log('SSFER has losses and augmentations of its own and does not use '
                  f'model.classifier.{" or ".join(unused)}; see data_preprocessor.facemix, and '
                  'logit_adjustment for rare classes', logger='current', level=logging.WARNING)


def check_head(head: Optional[nn.Module]) -> None:
    """Refuse heads that predict otherwise than SSFER trains: one of K classes, by softmax.

    Raises:
        UserError: The head gives every class a probability of its own, by sigmoid.
    """
    if isinstance(head, MultiLabelClsHead):
        raise UserError(f'SSFER: {type(head).__name__} is for images with several labels, and a '
                        'face has one expression: set model.classifier.head.type=LinearClsHead')


def check_classes(classifier: dict, data_preprocessor: dict) -> None:
    """Refuse a classifier with another number of classes than the labels have.

    Raises:
        UserError: The two numbers differ.
    """
    head = classifier.get('head') or {}
    # The heads of AlexNet, VGG and InceptionV3 have no layer; the backbone scores the classes.
    part = 'head' if 'num_classes' in head else 'backbone'
    given = (classifier.get(part) or {}).get('num_classes')
    labels = data_preprocessor.get('num_classes')
    if None not in (given, labels) and given != labels:
        raise UserError(f'SSFER: model.classifier.{part}.num_classes is {given}, but '
                        f'data_preprocessor.num_classes is {labels}: set both to the number of '
                        'classes of the dataset')
