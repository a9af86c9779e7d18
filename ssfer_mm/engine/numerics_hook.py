"""Stop before one bad number spoils a run, and keep what caused it."""
import math
import os.path as osp
from typing import Any, Dict, List, Optional

import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch import Tensor

from ssfer_mm.component_types import check_types
from ssfer_mm.errors import UserError
from ssfer_mm.ranges import check_number

from .exact_resume_hook import ExactResumeHook
from .failed_batch import (
    FORMAT,
    config_beside,
    failed_batch_name,
    plain,
    rng_states,
    sample_ids,
    save_file,
    weights_name,
)
from .precision import precision_of
from .unwrap import model_of

SKIPPED, IN_A_ROW = 'skipped_steps', 'skipped_steps_in_a_row'


@HOOKS.register_module()
class NumericsHook(Hook):
    """End the run at the first loss or gradient that is NaN or infinite.

    All processes end together, before anything is saved, with the ids of the images. Each keeps
    its batch in the work dir (:mod:`ssfer_mm.engine.failed_batch`), to be looked into with
    ``tools/replay_batch.py``. Works with any model and data set of mmengine.

    With a gradient scaler (``AmpOptimWrapper``) an overflow is not a failure: the scaler leaves the
    step out. Such steps are counted in the log (``skipped_steps``), and ``max_skips`` of them in
    a row end the run like a failure.

    What it costs: the gradients' norm, which is taken from ``clip_grad`` where that computes it,
    and with several processes one number that they reduce. A GPU is waited for only where
    mmengine waits for it anyway, to read the losses, so there the failing step is taken, though
    never saved. On a CPU the weights before it are kept too, unless they are sharded.

    Args:
        max_skips: Steps in a row that mixed precision may leave out. Its loss scale begins at
            2**16 and is halved each time, so more than about 20 mean that no scale helps.
    """

    # Before the losses are averaged over the processes, and anything else is made of them.
    priority = 'HIGHEST'

    def __init__(self, max_skips: int = 40) -> None:
        check_number('NumericsHook', 'max_skips', max_skips, low=1, whole=True)
        self.max_skips = max_skips
        self._optimizer, self._handle = None, None
        self._seeded = False
        self._batches: List[Any] = []
        self._rng: List[dict] = []
        self._forget_step()

    # ---- what the optimizer is about to do ----------------------------------------------------

    def before_train(self, runner) -> None:
        """Find out whether the draws of an iteration are known from its number."""
        self._seeded = any(isinstance(hook, ExactResumeHook) for hook in runner.hooks)

    def _listen(self, runner) -> None:
        """Be told of the steps of this stage's optimizer; another stage has another one."""
        optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
        if optimizer is self._optimizer or not isinstance(optimizer, torch.optim.Optimizer):
            return
        self._release()
        self._optimizer = optimizer
        self._handle = optimizer.register_step_pre_hook(lambda *_: self._before_step(runner))

    def after_train(self, runner) -> None:
        """Stop listening."""
        self._release()

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Remember the batch, and those before it whose gradients it is added to."""
        self._listen(runner)
        self._batches.append(data_batch)
        place = (runner.seed, runner.rank, runner.iter) if self._seeded else ()
        self._rng.append(rng_states(*place))

    def _before_step(self, runner) -> None:
        wrapper, self._stepped = runner.optim_wrapper, True
        # Only a fused optimizer is called for a step that it is to leave out.
        self._overflow = getattr(wrapper.optimizer, 'found_inf', None)
        if _scaler(wrapper) is None:
            self._norm = _gradient_norm(wrapper)
            # Of a sharded model it is the norm of this process's part, and the others go on.
            if (self._norm.device.type == 'cpu' and not math.isfinite(self._norm)
                    and not _is_sharded(runner.model)):
                self._weights = plain(model_of(runner).state_dict())

    # ---- what came of it ----------------------------------------------------------------------

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Judge the iteration."""
        wrapper, loss = runner.optim_wrapper, (outputs or {}).get('loss')
        # Several optimizers in one wrapper step when they like: there the loss alone is judged.
        due = self._optimizer is None or wrapper.should_update()
        scaler = _scaler(wrapper)
        skipped = scaler is not None and due and self._was_skipped()
        if skipped or scaler is not None and not due:
            finite = True  # the scaler looks after it
        else:
            finite = _all_finite(loss, self._norm)
        if scaler is not None and due:
            self._count(runner, skipped, outputs)
        if not finite:
            self._stop(runner, outputs, 'the loss or the gradients are not finite')
        if due:
            self._batches, self._rng = [], []
            self._forget_step()

    def after_train_epoch(self, runner) -> None:
        """Say how many steps mixed precision left out so far."""
        total = runner.message_hub.get_info(SKIPPED, 0)
        if total:
            runner.logger.info(f'Mixed precision left out {total} steps so far, whose gradients '
                               'overflowed (some at the beginning are normal)')

    def _was_skipped(self) -> bool:
        if not self._stepped:
            return True
        return self._overflow is not None and bool(self._overflow)

    def _count(self, runner, skipped: bool, outputs: Optional[dict]) -> None:
        hub = runner.message_hub
        total = hub.get_info(SKIPPED, 0) + int(skipped)
        in_a_row = hub.get_info(IN_A_ROW, 0) + 1 if skipped else 0
        # Both are saved with the run, and the first is printed with the losses.
        hub.update_info(SKIPPED, total)
        hub.update_info(IN_A_ROW, in_a_row)
        hub.update_scalar(f'train/{SKIPPED}', total)
        if in_a_row >= self.max_skips:
            self._stop(runner, outputs, f'mixed precision left out {in_a_row} steps in a row')

    # ---- the end --------------------------------------------------------------------------------

    def _stop(self, runner, outputs: Optional[dict], what: str) -> None:
        losses = {name: float(value.detach() if isinstance(value, Tensor) else value)
                  for name, value in (outputs or {}).items()
                  if not isinstance(value, Tensor) or value.numel() == 1}
        ids = [name for batch in self._batches for name in sample_ids(batch)]
        kept = self._keep(runner, losses, ids)
        guilty = not math.isfinite(losses.get('loss', 0.0))
        everyone = all_gather_object((runner.rank, guilty, ids, losses, kept))
        # Gradients are averaged over the processes; whose loss is bad spoiled those of all.
        guilty_ones = [entry for entry in everyone if entry[1]] or everyone
        rank, _, ids, losses, kept = guilty_ones[0]
        where = f' on process {rank}' if len(everyone) > 1 else ''
        more = f' and {len(ids) - 5} more' if len(ids) > 5 else ''
        bad = {k: v for k, v in losses.items() if not math.isfinite(v)}
        shown = ', '.join(f'{name} {value}' for name, value in (bad or losses).items()
                          if 'loss' in name) or 'no loss'
        raise UserError(
            f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}: {what} ({shown}){where}, with '
            f'the images {", ".join(ids[:5])}{more}; {kept}. No checkpoint holds the damage: limit '
            f'the gradients ({_wrapper_key(runner)}.clip_grad.max_norm=1.0) and continue with '
            '--resume; or lower the learning rate in a new run, for --resume goes on with the old '
            'one')

    def _keep(self, runner, losses: Dict[str, float], ids: List[str]) -> str:
        """Save the batch, and the weights that met it, if they are still there."""
        number = runner.iter + 1
        path = osp.join(runner.work_dir, failed_batch_name(number, runner.rank))
        wrapper = runner.optim_wrapper
        weights = self._weights
        if weights is None and self._norm is None and not _is_sharded(runner.model):
            weights = plain(model_of(runner).state_dict())  # no step was taken
        content = dict(
            format=FORMAT, iteration=runner.iter, epoch=runner.epoch, rank=runner.rank,
            seed=runner.seed, ids=ids, losses=losses,
            grad_norm=None if self._norm is None else float(self._norm),
            batches=[plain(batch) for batch in self._batches], rng=self._rng,
            precision=precision_of(wrapper), class_counts=_class_counts(runner),
            config=runner.cfg.pretty_text,
            weights=weights_name(number) if weights is not None else None)
        try:
            if weights is not None and runner.rank == 0:
                save_file(osp.join(runner.work_dir, weights_name(number)),
                          dict(state_dict=weights, meta=dict(iter=runner.iter)))
            save_file(path, content)
        except (OSError, RuntimeError) as error:
            return f'the batch could not be kept ({error})'
        return (f'look into the batch with "python tools/replay_batch.py {path}'
                f'{_config_option(runner.cfg, path)}"')

    def _forget_step(self) -> None:
        self._stepped = False
        self._norm: Optional[Tensor] = None
        self._overflow: Optional[Tensor] = None
        self._weights: Optional[dict] = None

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._optimizer, self._handle = None, None


def _config_option(cfg: Config, path: str) -> str:
    """What the replay has to be told where a model has parts of others' packages."""
    try:
        check_types([cfg.get('model'), cfg.get('data_preprocessor')])
    except UserError:
        return f' --config {config_beside(path, cfg.pretty_text) or "CONFIG"}'
    return ''


def _wrapper_key(runner) -> str:
    """Where the settings of the current optimizer are: a stage may have its own."""
    stage = getattr(runner.train_loop, 'stage', None)
    return stage.optim_wrapper_key if stage else 'optim_wrapper'


def _scaler(wrapper) -> Optional[object]:
    """The gradient scaler of mixed precision, if there is one that is in use."""
    scaler = getattr(wrapper, 'loss_scaler', None)
    return scaler if scaler is not None and scaler.is_enabled() else None


def _class_counts(runner) -> Optional[List[int]]:
    """Labeled images per class, which parts of SSFER were told (``learn_class_counts``)."""
    dataset = runner.train_dataloader.dataset
    return dataset.labeled_counts().tolist() if hasattr(dataset, 'labeled_counts') else None


def _gradient_norm(wrapper) -> Tensor:
    """The norm of all gradients of this process: finite if and only if all of them are."""
    if wrapper.clip_grad_kwargs and wrapper.grad_name == 'grad_norm':
        # Just computed, and read, to clip them.
        return torch.tensor(wrapper.message_hub.get_scalar('train/grad_norm').current())
    grads = [p.grad.to_local() if hasattr(p.grad, 'to_local') else p.grad
             for group in wrapper.optimizer.param_groups for p in group['params']
             if p.grad is not None]
    return torch.nn.utils.get_total_norm(grads)


def _all_finite(loss: Optional[Tensor], norm: Optional[Tensor]) -> bool:
    """Whether both are finite in every process; where one is not, all of them know."""
    values = [value.detach().float() for value in (loss, norm) if isinstance(value, Tensor)]
    if not values:
        return True
    finite = torch.stack([torch.isfinite(value.to(values[0].device)).all()
                          for value in values]).all().float()
    if get_world_size() > 1:
        all_reduce(finite, 'min')
    return bool(finite)


def _is_sharded(model) -> bool:
    """Whether reading the weights would need all processes."""
    return 'FullySharded' in type(model).__name__ or any(
        hasattr(p, 'to_local') for p in model.parameters())
