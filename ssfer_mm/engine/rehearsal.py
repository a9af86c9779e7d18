"""A step of stage III before stage II begins: what cannot work there is told hours sooner."""
import random
from contextlib import contextmanager, nullcontext
from typing import ContextManager, Iterator

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import nn

from ssfer_mm.errors import UserError

from .unwrap import model_of


def rehearse(runner) -> None:
    """Let the model compute the losses of stage III once, on a few images of each source.

    Nothing is learned: no gradient, buffers are those of before, and so are the states of all
    random generators. It costs a moment, and is left out where the run is in stage III already.

    Raises:
        UserError: Labeled images and strong views differ in size.
        Exception: Whatever stage III would have raised.
    """
    loop = runner.train_loop
    if loop.stage.unlabeled or not loop.stages[-1].unlabeled:
        return
    dataset = runner.train_dataloader.dataset
    if not hasattr(dataset, 'examples'):  # somebody else's
        return
    runner.logger.info('Trying a step of stage III, before stage II')
    with _drawing_nothing():
        items = [dataset[index] for index in dataset.examples()]
        collate = getattr(runner.train_dataloader, 'collate_fn', pseudo_collate)
        model = model_of(runner)
        model.train()  # as an epoch would: the teacher is in evaluation mode
        batch = model.data_preprocessor(collate(items), True)
        _check_sizes(batch['inputs'])
        with torch.no_grad(), runner.optim_wrapper.optim_context(runner.model):
            _losses(model, batch)


def _losses(model, batch: dict) -> None:
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with _uncompiled(model):
        torch.func.functional_call(model, buffers, (batch['inputs'], batch['data_samples']),
                                   dict(mode='loss'))
    model.last_pseudo_labels = None


def _uncompiled(model: nn.Module) -> ContextManager:
    """Compiled for this small batch, networks would be compiled again for every other."""
    compiled = any(getattr(part, '_compiled_call_impl', None) for part in model.modules())
    return torch.compiler.set_stance('force_eager') if compiled else nullcontext()


def _check_sizes(inputs: dict) -> None:
    labeled, strong = (tuple(inputs[part].shape[2:]) for part in ('labeled', 'strong'))
    if labeled != strong:
        raise UserError(
            f'labeled images have {labeled[1]} x {labeled[0]} pixels, strong views {strong[1]} x '
            f'{strong[0]}, and the student sees both in one batch: set the same scale in '
            'labeled_pipeline and in unlabeled_pipeline of train_dataloader.dataset')


@contextmanager
def _drawing_nothing() -> Iterator[None]:
    """Bring the states of all random generators back at the end."""
    ours, numpys = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)
