"""Several processes of a run, forked from this one so that they need not import anything."""
import multiprocessing
import os
import pickle
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Callable, List

import torch
import torch.distributed as dist

# A process that waits for one that is gone must not outlast the test.
GLOO_TIMEOUT = timedelta(seconds=300)


def together(world: int, target: Callable, folder: Path, *arguments, timeout: float = 300) -> List:
    """Call ``target(*arguments)`` in ``world`` processes of one gloo group -> what each returns.

    Raises:
        AssertionError: One of them failed or did not end in time.
    """
    codes = exit_codes(world, target, folder, *arguments, timeout=timeout)
    assert codes == [0] * world, f'exit codes {codes}'
    return [pickle.loads((Path(folder) / f'returned{rank}').read_bytes()) for rank in range(world)]


def exit_codes(world: int, target: Callable, folder: Path, *arguments,
               timeout: float = 300) -> List:
    """As :func:`together`, but the exit codes: minus the signal that ended a process, None if it
    had to be ended here."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    store = Path(folder) / f'store{time.monotonic_ns()}'
    context = multiprocessing.get_context('fork')
    processes = [context.Process(target=_main, args=(rank, world, store, target, arguments))
                 for rank in range(world)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + timeout
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
    codes = [process.exitcode for process in processes]
    for process in processes:
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    return codes


def _main(rank: int, world: int, store: Path, target: Callable, arguments) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=str(rank))
    dist.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=world,
                            timeout=GLOO_TIMEOUT)
    returned = target(*arguments)
    (store.parent / f'returned{rank}').write_bytes(pickle.dumps(returned))
    dist.barrier()
    dist.destroy_process_group()
