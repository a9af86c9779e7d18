"""How many pseudo-labels are accepted, and how many of those are right."""
from typing import Dict, List, Sequence

import numpy as np
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from .unwrap import model_of


@HOOKS.register_module()
class PseudoLabelMonitor(Hook):
    """Log coverage and precision of each epoch's pseudo-labels, in all and per class.

    Precision needs the labels of the unlabeled images. They come through a door of the dataset
    that training code never uses, and only reach the log. Where the images have none, coverage
    alone is logged. Where a rule weighs images instead of accepting or rejecting them, each counts
    as much as its weight. An epoch without any accepted pseudo-label, or with all of them in one
    class, is a warning: stage III then teaches nothing, or the wrong thing.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self) -> None:
        self._steps: List[dict] = []
        self._gathered: List[List[dict]] = []
        self._truth: Dict[str, int] = {}

    def before_train(self, runner) -> None:
        """Read the hidden labels once."""
        dataset = runner.train_dataloader.dataset
        if hasattr(dataset, 'hidden_labels'):
            self._truth = dataset.hidden_labels()
        self._classes = dataset.metainfo['classes']

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Collect the pseudo-labels of this step."""
        model = model_of(runner)
        if model.last_pseudo_labels is not None:
            self._steps.append(model.last_pseudo_labels)
            model.last_pseudo_labels = None

    def gather_for_checkpoint(self, runner) -> None:
        """Let the first process, which alone saves, know what each process has seen."""
        mine = [dict(step, labels=step['labels'].cpu(), accepted=step['accepted'].cpu())
                for step in self._steps]
        self._gathered = all_gather_object(mine)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """A checkpoint inside an epoch carries what has been seen of it."""
        if get_world_size() == 1:
            self.gather_for_checkpoint(runner)
        if any(self._gathered):
            checkpoint['pseudo_labels_of_processes'] = self._gathered

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Go on from there; on another number of processes, the first one goes on with all."""
        if not runner._resume:
            return
        parts = checkpoint.get('pseudo_labels_of_processes', [])
        if len(parts) != runner.world_size:
            parts = [[step for part in parts for step in part]]
        self._steps = list(parts[runner.rank]) if runner.rank < len(parts) else []

    def after_train_epoch(self, runner) -> None:
        """Summarize the epoch over all processes."""
        steps, self._steps = self._steps, []
        if not runner.train_loop.stage.unlabeled or not steps:
            return
        # Plain lists, not tensors: what crosses processes must not depend on the device.
        mine = [(s['ids'], s['labels'].tolist(), s['accepted'].tolist()) for s in steps]
        gathered = [step for part in all_gather_object(mine) for step in part]
        ids = [i for step in gathered for i in step[0]]
        labels = np.array([label for step in gathered for label in step[1]], dtype=int)
        accepted = np.array([a for step in gathered for a in step[2]], dtype=float)
        truth = np.array([self._truth.get(i, -1) for i in ids], dtype=int)
        figures = pseudo_label_figures(labels, accepted, truth, self._classes)
        runner.visualizer.add_scalars(
            {f'pseudo/{name}': value for name, value in figures.items()}, step=runner.epoch + 1)
        for name in ('coverage', 'precision'):
            if name in figures:
                runner.message_hub.update_scalar(f'pseudo/{name}', figures[name])
        precision = figures.get('precision')
        runner.logger.info(
            f'Pseudo-labels of epoch {runner.epoch + 1}: {figures["coverage"]:.1%} accepted' +
            (f', {precision:.1%} of them right' if precision is not None else ''))
        self._warn(runner, labels[accepted > 0])

    @staticmethod
    def _warn(runner, accepted_labels: np.ndarray) -> None:
        if len(accepted_labels) == 0:
            runner.logger.warning(
                'No pseudo-label reached the threshold in this whole epoch: stage III learns '
                'nothing from the unlabeled images. Train stage II longer, or lower the threshold '
                'of model.pseudo_label.')
        elif len(np.unique(accepted_labels)) == 1:
            runner.logger.warning(
                'All accepted pseudo-labels of this epoch are of one class: the model is '
                'collapsing onto it. Raise the threshold of model.pseudo_label or lower '
                'model.unlabeled_weight.')


def pseudo_label_figures(labels: np.ndarray, accepted: np.ndarray, truth: np.ndarray,
                         classes: Sequence[str]) -> Dict[str, float]:
    """Coverage and precision of N pseudo-labels.

    Args:
        labels: (N,) pseudo-labels.
        accepted: (N,) bool, or weights in [0, 1]: an image of weight 0.3 is three tenths accepted.
        truth: (N,) true labels, -1 where unknown.
        classes: Class names.

    Returns:
        ``coverage`` (accepted / N); ``precision`` (right / accepted, of those with a known truth)
        where defined; per class ``share/<name>`` (of the accepted), ``precision/<name>``, and
        ``coverage/<name>``: of the images that truly show it, how many have an accepted
        pseudo-label, right or wrong.
    """
    accepted = np.asarray(accepted, dtype=float)
    figures = dict(coverage=float(accepted.mean()) if len(accepted) else 0.0)
    known = accepted * (truth >= 0)
    right = known * (labels == truth)
    if known.any():
        figures['precision'] = float(right.sum() / known.sum())
    everything = accepted.sum() or 1
    for index, name in enumerate(classes):
        here = labels == index
        figures[f'share/{name}'] = float(accepted[here].sum() / everything)
        if known[here].any():
            figures[f'precision/{name}'] = float(right[here].sum() / known[here].sum())
        if (truth == index).any():
            figures[f'coverage/{name}'] = float(accepted[truth == index].mean())
    return figures
