"""Splitting a training step into what it consists of, without touching its code."""
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ssfer_mm.engine.unwrap import model_of

# In the order of a step; what belongs to none of them (losses, pseudo-labels) is 'other'.
PHASES = ('data wait', 'host to device', 'normalize', 'facemix and boxes', 'student forward',
          'teacher', 'other', 'backward', 'optimizer', 'ema', 'hooks and logging')


class PhaseClock:
    """Time of phases that may lie inside each other; each is charged for itself only.

    At every border of a phase a GPU is waited for, so that its work counts where it was asked for.
    That makes a step slower: the split says where time goes, not how long an undisturbed step is.

    Args:
        device: Where the model is.

    Attributes:
        wall: Phase -> seconds on the clock.
        cpu: Phase -> seconds of processor time in this process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._inside: list[str] = []
        self._since = (0., 0.)
        self._wrapped: list[Callable[[], None]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge what happens inside to ``name``, except for phases further inside."""
        self._charge()
        self._inside.append(name)
        try:
            yield
        finally:
            self._charge()
            self._inside.pop()

    def wrap(self, owner: object, method: str, name: str) -> None:
        """Charge every call of ``owner.method`` to ``name`` until :meth:`release`."""
        original, own = getattr(owner, method), method in vars(owner)

        def charged(*args, **options):
            with self.phase(name):
                return original(*args, **options)

        def undo() -> None:
            if own:
                setattr(owner, method, original)
            else:
                delattr(owner, method)

        setattr(owner, method, charged)
        self._wrapped.append(undo)

    def release(self) -> None:
        """Give every wrapped object its own methods back."""
        while self._wrapped:
            self._wrapped.pop()()

    def _charge(self) -> None:
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        now = time.perf_counter(), time.process_time()
        if self._inside:
            self.wall[self._inside[-1]] += now[0] - self._since[0]
            self.cpu[self._inside[-1]] += now[1] - self._since[1]
        self._since = now


def attach_probes(clock: PhaseClock, runner) -> None:
    """Let ``clock`` see the phases of ``runner``'s training steps, until it is released.

    Args:
        clock: Charges :data:`PHASES`; 'data wait' and 'other' are up to the caller.
        runner: One whose training has been set up.
    """
    model, optim_wrapper = model_of(runner), runner.optim_wrapper
    preprocessor = model.data_preprocessor
    clock.wrap(runner, 'call_hook', 'hooks and logging')
    clock.wrap(preprocessor, 'forward', 'normalize')
    clock.wrap(preprocessor, 'cast_data', 'host to device')
    if hasattr(preprocessor, '_to_device'):  # SSFER's, which takes batches of several sources
        clock.wrap(preprocessor, '_to_device', 'host to device')
    if getattr(preprocessor, 'facemix', None) is not None:
        clock.wrap(preprocessor, '_boxes', 'facemix and boxes')
        clock.wrap(preprocessor.facemix, 'mix', 'facemix and boxes')
    if hasattr(model, 'student'):
        clock.wrap(model.student, 'forward', 'student forward')
        clock.wrap(model.teacher, 'forward', 'teacher')
        clock.wrap(model, 'update_teacher', 'ema')
    else:
        clock.wrap(model, 'forward', 'student forward')
    clock.wrap(optim_wrapper, 'backward', 'backward')
    for method in ('step', 'zero_grad'):
        clock.wrap(optim_wrapper, method, 'optimizer')
