"""What it takes for a resumed run to end as if it had never stopped."""
import random
from typing import List, Optional, Set

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from ssfer_mm.errors import UserError

from .checkpoint_folder import CheckpointFolder
from .same_data import check_same_sizes, data_sizes
from .same_groups import check_same_groups
from .same_schedules import check_same_schedules
from .unwrap import epoch_lengths, model_of


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Make the model's random draws a function of (seed, rank, iteration), and resume safely.

    The draws are masks, mixing weights, dropout and drop path: everything the main process draws
    in an iteration. The data's draws have seeds of their own (``SeededSampler``,
    ``TwoSourceSampler``), so nothing depends on what was drawn before, evaluation included.

    What NumPy and Python draw is a function of (seed, iteration) alone: FaceMix's ``lam`` belongs
    to the batch of all processes. PyTorch's draws are per image, and each process has its own.

    ``--resume`` without a name continues from the newest checkpoint that is whole: damaged ones
    are named and set aside.

    On the CPU, with the same number of threads and processes, a run killed at any moment then ends
    bit-identical to one that was never stopped; ``tools/crash_test.py`` proves it for a config.
    Gradients that are being accumulated are not saved: there, an epoch's iterations must be a
    multiple of ``accumulative_counts``.
    """

    # Before the hooks that look at what a run resumes from, and before any that draw.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        # Of the run to resume.
        self._epoch_lengths: Optional[List[int]] = None
        self._stage_ends: List[int] = []
        self._processes: Optional[int] = None
        self._data_sizes: Optional[List[int]] = None

    def before_run(self, runner) -> None:
        """Choose what to resume from; every process the same."""
        if not runner._resume or runner._load_from is not None:
            return
        # An error must reach every process: those without it would wait forever.
        chosen = [None, None]
        if is_main_process():
            try:
                chosen[0] = CheckpointFolder(runner.work_dir).newest_whole()
            except Exception as error:
                chosen[1] = error
        broadcast_object_list(chosen)
        if chosen[1] is not None:
            raise chosen[1]
        runner._load_from = chosen[0]

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Note the seed of the data's order: without a seed in the config it was drawn."""
        seed = getattr(_sampler(runner), 'seed', None)
        if seed is not None:
            checkpoint['meta']['sampler_seed'] = int(seed)
        checkpoint['meta']['epoch_lengths'] = epoch_lengths(runner)
        checkpoint['meta']['stage_ends'] = _stage_ends(runner)
        checkpoint['meta']['processes'] = runner.world_size
        checkpoint['meta']['data_sizes'] = data_sizes(runner)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Go on with the order that the run began with.

        Raises:
            UserError: It is none of a training, holds weights only, as the best one does, or its
                optimizer has the same weights in other groups, or it has other schedules. Without
                ``--resume``: it has no weights of this model.
        """
        if not runner._resume:
            _check_some_fit(runner, checkpoint)
            return
        meta = checkpoint.get('meta')
        if not isinstance(meta, dict) or not all(
                isinstance(meta.get(key), int) for key in ('epoch', 'iter')):
            raise UserError(f'{runner._load_from} does not say at which iteration it was written: '
                            'resume from a checkpoint of a training, or start from these weights '
                            'with --cfg-options load_from=FILE')
        if 'optimizer' not in checkpoint:
            raise UserError(f'{runner._load_from} holds weights, but no optimizer or schedule to '
                            'go on with: resume from epoch_N.pth or iter_N.pth, or start a new run '
                            'from these weights with --cfg-options load_from=FILE')
        # A stage builds its own optimizer later, and compares it then (TwoStageFinetuneHook).
        if not hasattr(runner.train_loop, 'stages'):
            check_same_groups(runner, checkpoint)
            check_same_schedules(runner, checkpoint)
        self._epoch_lengths = meta.get('epoch_lengths')
        self._stage_ends = meta.get('stage_ends') or []
        self._processes = meta.get('processes')
        self._data_sizes = meta.get('data_sizes')
        if meta.get('sampler_seed') is not None:
            _sampler(runner).seed = meta['sampler_seed']

    def before_train(self, runner) -> None:
        """Compare what schedules, the stage switch and the position in the data are counted in.

        Not sooner: where the checkpoint is another model's, that is the better news.

        Raises:
            UserError: The epochs of the run to resume had another number of iterations, a stage
                that it has finished had another number of epochs, the last one is to end before
                what is done, or the epoch that it was in had other images.
        """
        now = epoch_lengths(runner)
        before = self._epoch_lengths or now
        # Up to the shorter: a run that was to end with stage II may go on with stage III.
        if any(then != here for then, here in zip(before, now)):
            raise UserError(
                f'the checkpoint to resume from counts {before} iterations per epoch of each '
                f'stage, this run {now}: keep the data, and the number of processes times the '
                'batch sizes, or start a new run from its weights with load_from and no --resume')
        _check_stage_ends(runner, self._stage_ends)
        inside = getattr(runner.train_loop, 'inside_epoch', bool(runner.iter % now[0]))
        if self._data_sizes is not None:  # None: no resumed run, or one of a former version
            check_same_sizes(runner, self._data_sizes, inside)
        parts = getattr(_sampler(runner), 'in_parts', False) and inside
        if parts and self._processes not in (None, runner.world_size):
            runner.logger.warning(
                f'{self._processes} process(es) began this epoch and {runner.world_size} go on. '
                "With the sampler's order='shards' each has a part of the epoch to itself, other "
                'parts than before: until its end some images come twice and others not at all. '
                f'Resume with {self._processes}, or from a checkpoint between two epochs, to read '
                'each once')

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Seed everything that this iteration may draw from."""
        seed_all(runner.seed, runner.rank, runner.iter)


def seed_all(seed: int, rank: int, iteration: int) -> None:
    """Seed Python and NumPy alike on every rank, and torch (every device) for this rank.

    Args:
        seed: Not negative, like the others.
        rank: Of the process.
        iteration: Counted over the whole run.
    """
    ours = np.random.SeedSequence([seed, iteration]).generate_state(2, np.uint64).tolist()
    mine = np.random.SeedSequence([seed, rank, iteration]).generate_state(1, np.uint64).tolist()
    random.seed(ours[0])
    np.random.seed(ours[1] % 2**32)
    torch.manual_seed(mine[0] % 2**63)


def _check_stage_ends(runner, before: List[int]) -> None:
    """What is done stays done: only the rest of a stage may become longer, shorter or nothing."""
    now = _stage_ends(runner)
    followed = now if len(before) > len(now) else now[:-1]  # by another stage, then or here
    for then, here in zip(before, followed):
        if then != here and min(then, here) < runner.iter:
            raise UserError(
                f'a stage of the run to resume ended with iteration {then}, here it would end '
                f'with {here}, and iteration {runner.iter} is done: keep the epochs of '
                'train_cfg.supervised, or start a new run (from its weights: load_from, '
                'and no --resume)')
    if now and runner.iter > now[-1]:
        last = runner.train_loop.stages[-1]
        least = -((last.begin_iter - runner.iter) // last.iters_per_epoch)  # rounded up
        keep = ('the stage that it is in' if len(before) > len(now) else
                f'train_cfg.{last.name}.epochs at {least} or more')
        raise UserError(
            f'the run to resume has done {runner.iter} iterations, and this one would end with '
            f'{now[-1]}: keep {keep}, or name an earlier checkpoint with --resume FILE')


def _stage_ends(runner) -> List[int]:
    return [stage.end_iter for stage in getattr(runner.train_loop, 'stages', ())]


def _sampler(runner):
    return runner.train_dataloader.batch_sampler.sampler


def _check_some_fit(runner, checkpoint: dict) -> None:
    """mmengine would go on, with random weights, from a file of which nothing fits."""
    own = _shapes(model_of(runner).state_dict())
    if own.isdisjoint(_shapes(checkpoint.get('state_dict', checkpoint))):
        first = next(iter(model_of(runner).state_dict()))
        raise UserError(
            f'{runner._load_from} holds no weights of this model ({first}, ...): weights '
            'of a classifier, a backbone or stage I go to --cfg-options model.pretrained=FILE, and '
            'load_from is for checkpoints of the same training')


def _shapes(state: dict) -> Set[tuple]:
    """(name, shape) of each tensor, by the names that it has in the trained model."""
    # Distributed training and test-time augmentation have that model in their `module`.
    return {(name.removeprefix('module.'), value.shape) for name, value in state.items()
            if hasattr(value, 'shape')}
