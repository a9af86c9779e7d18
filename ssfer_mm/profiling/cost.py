"""What a training will cost: a model of its time, from counted work and the rates of a machine.

    step = max(networks + gradients that travel by themselves, input)

Networks: matrix products at the matrix rate, everything else at the memory rate, and a fixed price
per operation. On a GPU that price is the host's, who runs beside it: the slower of both counts. On
a CPU the same cores do both: the sum counts. docs/cost.md says what that leaves out.
"""
import math
from dataclasses import dataclass, replace
from typing import Optional

from .arithmetic import StepWork, Work

BYTES_PER_WEIGHT = 4  # of parameters, gradients and each of AdamW's two moments
# Of the networks' time, what the backward pass takes: gradients travel meanwhile.
BACKWARD = 2 / 3
LAST_BUCKET = 25e6  # bytes that DistributedDataParallel sends when nothing is left to hide behind


@dataclass(frozen=True)
class Device:
    """What trains a process's share of a batch. All rates are sustained ones.

    Attributes:
        name: For people.
        flops: Of matrix products, per second.
        bandwidth: Bytes per second that element-wise operations move.
        call: Seconds that one operation costs the host.
        link: Bytes per second that each process sends to another.
        cores: Of the host's processor, for each process with its workers.
        asynchronous: The host runs ahead of the device; else its cores are the device.
    """
    name: str
    flops: float
    bandwidth: float
    call: float
    link: float
    cores: float
    asynchronous: bool = True

    def seconds(self, work: Work) -> float:
        """Of so much work, by itself.

        Example:
            >>> device = Device('d', flops=2., bandwidth=1., call=1., link=1., cores=1)
            >>> device.seconds(Work(flops=4., bytes=1., operations=2.))
            3.0
        """
        device = work.flops / self.flops + work.bytes / self.bandwidth
        host = work.operations * self.call
        return max(device, host) if self.asynchronous else device + host


@dataclass(frozen=True)
class Input:
    """Where images come from.

    Attributes:
        seconds: Of a worker's processor time per image: read, decode, augment, collate.
        workers: Loader processes of each training process; 0 loads between the steps.
        bytes: Of a stored image.
    """
    seconds: float
    workers: int
    bytes: float


@dataclass(frozen=True)
class Training:
    """A run.

    Attributes:
        images: Of an epoch.
        epochs: How many.
        batch: Images per step and process.
        processes: One per GPU.
        parameters: Weights that are trained.
        work: Of a step.
        save_every: Epochs from a checkpoint to the next; less than 1 where iterations count.
        save_minutes: After so many minutes there is one in any case; None: by epochs alone.
        keep: Checkpoints that stay on the disk; None: all.
    """
    images: int
    epochs: int
    batch: int
    processes: int
    parameters: int
    work: StepWork
    save_every: float = 10
    save_minutes: Optional[float] = None
    keep: Optional[int] = 2

    @property
    def steps(self) -> int:
        """Of an epoch; what does not fill a batch is left out."""
        return self.images // (self.batch * self.processes)

    def by_the_clock(self, epoch: float) -> 'Training':
        """The same run, whose epochs take so many seconds: the shorter interval counts."""
        if self.save_minutes is None:
            return self
        interval = max(60 * self.save_minutes / epoch, 1 / self.steps)  # once a step at most
        return replace(self, save_every=min(self.save_every, interval))

    @property
    def saves(self) -> int:
        """Checkpoints that are written, that of the end included."""
        return math.ceil(round(self.epochs / self.save_every, 6))

    @property
    def kept(self) -> int:
        """Checkpoints that are there in the end."""
        return self.saves if self.keep is None else min(self.keep, self.saves)

    @property
    def checkpoint_bytes(self) -> int:
        """Weights and AdamW's moments."""
        return 3 * BYTES_PER_WEIGHT * self.parameters


@dataclass(frozen=True)
class Cost:
    """What the model says, in seconds, bytes and images.

    Attributes:
        networks: Seconds of a step's networks and optimizer.
        loading: Seconds in which a process's workers make a batch, with the cores they have.
        reduction: Seconds of a step in which nothing but gradients travel.
        step: Seconds of a step.
        epoch: Seconds of an epoch, with its first batch, for which everybody waits.
        total: Seconds of the run, checkpoints included.
        bound: What a step waits for: 'networks', 'calls' (the host), or 'input'; without workers,
            what takes most of it.
        images_per_second: Of all processes.
        needed_per_worker: Images per second that each worker must make for the networks not to
            wait; infinite without workers.
        reading: Bytes per second from the disk, all processes together.
        saves: Checkpoints that are written, by epochs or by the clock.
        kept: Those that are there in the end.
        storage: Bytes of images and checkpoints.
        processes: Of the run.
    """
    networks: float
    loading: float
    reduction: float
    step: float
    epoch: float
    total: float
    bound: str
    images_per_second: float
    needed_per_worker: float
    reading: float
    saves: int
    kept: int
    storage: float
    processes: int

    @property
    def device_hours(self) -> float:
        """Hours of all devices together."""
        return self.total / 3600 * self.processes


def predict(training: Training, device: Device, source: Input,
            write_rate: float = 5e8) -> Cost:
    """The cost of a run.

    Args:
        training: What is to be trained.
        device: What each process has.
        source: What feeds each process.
        write_rate: Bytes per second of the disk on which checkpoints are written; all wait.
    """
    work = training.work.of(training.batch)
    networks = device.seconds(work)
    loading = training.batch * source.seconds / max(source.workers, 1)
    reduction = _reduction(training, device, networks)
    computing = networks + reduction
    # However many workers there are, they share the cores, on a CPU with the networks.
    busy = training.batch * source.seconds + (0 if device.asynchronous else computing)
    loading = max(loading, busy / device.cores) if source.workers else loading
    step = max(computing, loading) if source.workers else computing + loading
    first = training.batch * source.seconds if source.workers else 0.
    epoch = training.steps * step + first
    training = training.by_the_clock(epoch)
    total = training.epochs * epoch + training.saves * training.checkpoint_bytes / write_rate
    rate = training.batch * training.processes / step
    return Cost(
        networks=networks, loading=loading, reduction=reduction, step=step, epoch=epoch,
        total=total, bound=_bound(device, work, computing, loading),
        images_per_second=rate,
        needed_per_worker=training.batch / computing / source.workers
        if source.workers else float('inf'),
        reading=rate * source.bytes, saves=training.saves, kept=training.kept,
        storage=training.images * source.bytes + training.kept * training.checkpoint_bytes,
        processes=training.processes)


def _reduction(training: Training, device: Device, networks: float) -> float:
    """Seconds of the ring reduction of all gradients that the backward pass does not hide."""
    share = (training.processes - 1) / training.processes
    sent = 2 * share * BYTES_PER_WEIGHT * training.parameters
    if not sent:
        return 0.
    last = min(sent, 2 * share * LAST_BUCKET) / device.link
    if not device.asynchronous:  # the cores that compute also send
        return sent / device.link
    return max(sent / device.link - BACKWARD * networks, last)


def _bound(device: Device, work: Work, computing: float, loading: float) -> str:
    if loading > computing:
        return 'input'
    if device.asynchronous and work.operations * device.call >= device.seconds(work):
        return 'calls'
    return 'networks'
