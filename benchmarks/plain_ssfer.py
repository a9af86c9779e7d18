"""SSFER's training steps as one would first write them: what the package's steps are timed against.

Stages II and III of arXiv 2410.17622, one pass per kind of image:

- the face detector looks at every augmented batch of stage II;
- mixed and real images, labeled and unlabeled ones, pass the student separately;
- all unlabeled images pass the student, also those whose pseudo-label is rejected;
- the last layer of a ViT computes all tokens, also where only one is read;
- the teacher's pass records what a gradient would need;
- the moving average is taken parameter by parameter;
- everything is float32.

``tools/benchmark.py`` times it in turns with the package's own step, on the same batches, and
``tests/benchmarks/test_plain_ssfer.py`` shows that losses and gradients are the same. It is no part
of the package: read ``ssfer_mm/models/ssfer.py`` for how training is done.
"""
from copy import deepcopy
from typing import Callable, Dict, List

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssfer_mm.models import PseudoLabelLoss
from ssfer_mm.models.cls_token_layer import compute_all_tokens


class PlainSSFER:
    """The plain steps, on networks and an optimizer of their own.

    Args:
        model: An ``SSFER`` model; its networks are copied, its settings read.
        build_optimizer: Makes an optimizer for the copied student.
        find_boxes: Face boxes (B, 4) of uint8 views (B, 3, H, W) and a device, NaN where there is
            not exactly one face; e.g. ``OnlineBoxes('embedded')``.
    """

    def __init__(self, model, build_optimizer: Callable, find_boxes: Callable) -> None:
        self.settings = model
        self.student = deepcopy(model.student)
        self.teacher = deepcopy(model.teacher).requires_grad_(True)
        for network in (self.student, self.teacher):
            compute_all_tokens(network)
        self.optimizer = build_optimizer(self.student)
        self.find_boxes = find_boxes

    def train_step(self, batch: dict) -> float:
        """One whole step on a collated batch; gives the loss."""
        loss = self.loss(batch)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.update_teacher()
        return loss.item()

    def loss(self, batch: dict) -> Tensor:
        """The loss of one batch: stage III if it has unlabeled images, else stage II."""
        images, samples = self.views(batch['inputs']), batch['data_samples']
        labeled = self.normalize(images['labeled'])
        targets = self.one_hot(samples['labeled'], labeled.device)
        if 'weak' in images:
            return self.semi_supervised_loss(labeled, targets, self.normalize(images['weak']),
                                             self.normalize(images['strong']))
        return self.facemix_loss(images['labeled'], labeled, targets)

    def views(self, images: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """The images of a batch, or where they are whole faces, the package's views of them."""
        views = self.settings.data_preprocessor.views
        if views is None:
            return images
        made = dict(labeled=views.labeled(images['labeled'])[0])
        if 'unlabeled' in images:
            made.update(views.unlabeled(images['unlabeled']))
        return made

    def facemix_loss(self, views: Tensor, labeled: Tensor, targets: Tensor) -> Tensor:
        """Stage II."""
        boxes = self.find_boxes(views.to(torch.uint8), labeled.device)
        batch = self.settings.data_preprocessor.facemix.mix(labeled, targets, boxes)
        mixed = cross_entropy(self.student(batch.mixed), batch.mixed_targets)
        real = cross_entropy(self.student(labeled), targets)
        return (mixed + batch.real_weight * real).mean()

    def semi_supervised_loss(self, labeled: Tensor, targets: Tensor, weak: Tensor,
                             strong: Tensor) -> Tensor:
        """Stage III."""
        pseudo = self.settings.pseudo_label(F.softmax(self.teacher(weak), dim=1).detach())
        supervised = cross_entropy(self.student(labeled), targets).mean()
        unlabeled = F.cross_entropy(self.student(strong), pseudo.labels, reduction='none')
        return supervised + self.settings.unlabeled_weight * (pseudo.weights * unlabeled).mean()

    @torch.no_grad()
    def update_teacher(self) -> None:
        """Parameter by parameter, buffer by buffer."""
        decay = self.settings.ema_decay
        for average, current in zip(self.teacher.parameters(), self.student.parameters()):
            average.mul_(decay).add_(current, alpha=1 - decay)
        for average, current in zip(self.teacher.buffers(), self.student.buffers()):
            average.copy_(current)

    def normalize(self, images: Tensor) -> Tensor:
        """BGR (B, 3, H, W), 0-255 -> float RGB, zero mean, unit deviation."""
        preprocessor = self.settings.data_preprocessor
        return (images.to(preprocessor.mean.device).flip(1).float()
                - preprocessor.mean) / preprocessor.std

    def one_hot(self, samples: List, device: torch.device) -> Tensor:
        labels = torch.cat([sample.gt_label for sample in samples]).to(device)
        return F.one_hot(labels, self.settings.data_preprocessor.num_classes).float()


def does_the_same(model, optim_wrapper: dict, semi: bool) -> bool:
    """Whether a model's own steps are those of the paper, which is all that the plain ones know.

    Args:
        model: An ``SSFER`` model.
        optim_wrapper: Config of the stage's optimizer.
        semi: Of stage III, else of stage II.
    """
    ours, rule, loss = model.data_preprocessor, model.pseudo_label, model.pseudo_label_loss
    if ours.facemix is None or optim_wrapper.get('clip_grad') \
            or optim_wrapper.get('accumulative_counts', 1) > 1:
        return False
    if not semi:
        return isinstance(model.adjust, nn.Identity)
    beyond = (
        ours.semi_facemix, getattr(ours.views, 'weak_views', 1) > 1, rule.sees_labeled,
        rule.sees_features, model.label_temperature, model.pseudo_mixup, model.rejected_loss,
        model.fairness, not isinstance(model.semi_adjust, nn.Identity),
        type(loss) is not PseudoLabelLoss or loss.class_power)
    return not any(beyond)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Of each row with soft targets."""
    return -(targets * F.log_softmax(logits, dim=1)).sum(dim=1)


def gradients(network: torch.nn.Module) -> Dict[str, Tensor]:
    """Name -> gradient, zeros where there is none."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad
            for name, p in network.named_parameters()}
