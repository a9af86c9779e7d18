"""Everything that is measured about one stage of a run."""
from collections.abc import Callable
from typing import Optional

import torch
from torch import Tensor

from ssfer_mm.engine.unwrap import model_of
from ssfer_mm.models.pseudo_labels import LabeledPredictions, PseudoLabelRule, PseudoLabels

from .bare import Bare
from .feed import Feed
from .memory import PeakMemory
from .phases import PHASES, PhaseClock, attach_probes
from .rounds import median_ms, paired_ratio, timed


class AcceptShare(PseudoLabelRule):
    """A pseudo-label rule that accepts a fixed share of every batch, the most confident images.

    Untrained networks accept nothing; this gives steps the arithmetic of a real run.

    Args:
        share: Of the unlabeled images, in [0, 1].
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, probabilities: Tensor,
                labeled: Optional[LabeledPredictions] = None) -> PseudoLabels:
        """Judge probabilities (N, K)."""
        confidence, labels = probabilities.max(dim=1)
        weights = torch.zeros_like(confidence)
        weights[confidence.argsort(descending=True)[:round(self.share * len(labels))]] = 1
        return PseudoLabels(labels, weights, confidence, probabilities)


class StageBenchmark:
    """Times the steps of one stage, in a run whose training has been set up.

    Args:
        runner: Its loop stands in the stage.
        feed: The batches of its loader.
        rounds: How many times everything takes its turn.
        block_seconds: About how long each turn should be.
        plain: A step that does the same in a plain way, on a collated batch; or None.
    """

    def __init__(self, runner, feed: Feed, rounds: int, block_seconds: float,
                 plain: Optional[Callable[[dict], object]] = None) -> None:
        self.runner, self.feed, self.plain = runner, feed, plain
        self.rounds, self.block_seconds = rounds, block_seconds
        self.device = next(runner.model.parameters()).device
        self.memory = PeakMemory(self.device)
        self.index, self.accepted = 0, []

    def measure(self) -> dict:
        """All figures of the stage, as ``docs/performance.md`` explains them."""
        rule = getattr(model_of(self.runner), 'pseudo_label', None)
        if rule is None:
            return self._measure()
        handle = rule.register_forward_hook(
            lambda module, args, pseudo: self.accepted.append(pseudo.weights > 0))
        try:
            return self._measure()
        finally:
            handle.remove()

    def _measure(self) -> dict:
        batch = next(self.feed)
        first = timed(self.device, self.step, 2)  # warms up
        # The faster of two: one step that something disturbs would make all turns short.
        once = min(timed(self.device, self.step, 1).wall for _ in range(2))
        count = max(1, min(50, round(self.block_seconds / once)))
        bare = Bare(self.runner, batch, self._mean_accepted())
        timed(self.device, bare, 2)
        whole, alone, workers = [], [], []
        for _ in range(self.rounds):
            self.feed.settle()
            alone.append(timed(self.device, bare, count))
            self._use_up_stock()
            before = self.feed.worker_seconds
            whole.append(timed(self.device, self.step, count))
            workers.append((self.feed.worker_seconds - before) / count)
        images = _images(batch)
        result = dict(
            images_per_step=images,
            accepted_per_step=self._mean_accepted() if self.accepted else None,
            steps_per_round=count, rounds=self.rounds,
            first_steps_ms=1e3 * first.wall,
            step_ms=median_ms(whole), bare_ms=median_ms(alone),
            workers_cpu_ms=1e3 * sorted(workers)[len(workers) // 2],
            whole_over_bare=paired_ratio(whole, alone))
        result['images_per_second'] = {
            name: 1e3 * number / result['step_ms']['wall'] for name, number in images.items()}
        result['phases_ms'] = self._split(count)
        # Before the plain implementation, which holds networks and an optimizer of its own.
        result['peak_memory_mib'] = self.memory.megabytes()
        if self.plain is not None:
            result.update(self._against_plain(batch, count))
        return result

    def step(self) -> None:
        """One whole training step: batch, hooks, networks, optimizer."""
        self._train(next(self.feed))

    def _use_up_stock(self) -> None:
        """Train on the batches that the workers made while nobody waited for them."""
        for _ in range(self.feed.in_flight):
            self.step()

    def _train(self, batch: dict) -> None:
        self.runner.train_loop.run_iter(self.index, batch)
        self.index += 1

    def _mean_accepted(self) -> int:
        """Unlabeled images per step that had an accepted pseudo-label, over the steps so far."""
        # Read here, not in the step: reading makes a GPU wait.
        counts = [int(accepted.sum()) for accepted in self.accepted]
        return round(sum(counts) / len(counts)) if counts else 0

    def _split(self, count: int) -> dict[str, dict[str, float]]:
        """Milliseconds of each phase of a step, wall and CPU."""
        clock = PhaseClock(self.device)
        attach_probes(clock, self.runner)
        steps = count * self.rounds
        try:
            self._use_up_stock()
            clock.wall.clear()
            clock.cpu.clear()
            for _ in range(steps):
                with clock.phase('data wait'):
                    batch = next(self.feed)
                with clock.phase('other'):
                    self._train(batch)
        finally:
            clock.release()
        return {name: dict(wall=1e3 * clock.wall[name] / steps, cpu=1e3 * clock.cpu[name] / steps)
                for name in PHASES if name in clock.wall}

    def _against_plain(self, batch: dict, count: int) -> dict:
        """Our step and the plain one in turns, on one resident batch."""
        ours, plain = [], []
        self.feed.settle()
        ways = [(ours, lambda: self._our_step(batch)), (plain, lambda: self.plain(batch))]
        for round_ in range(-1, self.rounds):
            for spent, work in ways if round_ % 2 else ways[::-1]:
                found = timed(self.device, work, count)
                if round_ >= 0:
                    spent.append(found)
        return dict(ours_ms=median_ms(ours), plain_ms=median_ms(plain),
                    ours_over_plain=paired_ratio(plain, ours))

    def _our_step(self, batch: dict) -> None:
        self.runner.model.train_step(batch, optim_wrapper=self.runner.optim_wrapper)


def _images(batch: dict) -> dict[str, int]:
    """Images of a collated batch that are labeled, and that are not."""
    inputs = batch['inputs']
    if not isinstance(inputs, dict):
        return dict(labeled=0, unlabeled=len(inputs))
    unlabeled = inputs.get('unlabeled', inputs.get('weak', ()))
    return dict(labeled=len(inputs.get('labeled', ())), unlabeled=len(unlabeled))
