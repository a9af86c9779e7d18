"""The network arithmetic of a training step, and nothing else."""
from typing import Optional

import torch
from torch import Tensor

from ssfer_mm.engine.unwrap import model_of
from ssfer_mm.models.labeled_part import labeled_images


class Bare:
    """The same forward and backward passes as a training step, on tensors that are there already.

    No loading, copying, normalizing, mixing, choosing, logging; no optimizer and no average. This
    is the time that the networks themselves need, to which a whole step is compared.

    Args:
        runner: Its model, with the optimizer wrapper whose precision is used.
        batch: One batch of its loader; images are taken from it, and copied to its device.
        accepted: Unlabeled images per step that have a pseudo-label, in stage III.
    """

    def __init__(self, runner, batch: dict, accepted: int = 0) -> None:
        self.model = model_of(runner)
        self.context = lambda: runner.optim_wrapper.optim_context(runner.model)
        with torch.no_grad():
            data = self.model.data_preprocessor(batch, True)
        inputs, self.samples = data['inputs'], data.get('data_samples')
        self.weak: Optional[Tensor] = None
        if not isinstance(inputs, dict):
            self.images = inputs
            return
        self.weak, self.images = inputs.get('weak'), labeled_images(inputs)
        if self.weak is not None:
            weights = (torch.arange(len(inputs['strong'])) < accepted).float()
            kept = self.model.kept_views(weights.to(self.images), len(self.images))
            self.images = torch.cat([self.images, inputs['strong'][kept]])

    def __call__(self) -> None:
        """One step's passes; the gradients are dropped."""
        with self.context():
            if self.weak is not None:
                self._label()
            # Any scalar of the logits will do: the backward pass costs the same.
            loss = self._student(self.images)
        loss.backward()
        self.model.zero_grad(set_to_none=True)

    @torch.no_grad()
    def _label(self) -> None:
        teacher = self.model.pseudo_labels_from == 'teacher'
        (self.model.teacher if teacher else self.model.student)(self.weak)

    def _student(self, images: Tensor) -> Tensor:
        if hasattr(self.model, 'student'):
            return self.model.student(images).float().logsumexp(dim=1).sum()
        losses = self.model(images, self.samples, mode='loss')
        return sum(loss for name, loss in losses.items() if 'loss' in name)
