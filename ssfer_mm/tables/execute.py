"""Train what is missing, several runs at a time, each when what it needs is there."""
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence

from ssfer_mm.command_line.printing import counted, duration
from ssfer_mm.errors import UserError

from .child import LOG, PATIENCE, Busy, Training, last_error, open_fork_server
from .estimate import Estimates
from .machine import gpus
from .plan import Run
from .record import headline, is_trained, make_record
from .state import Results

POLL_SECONDS = 0.5
# Between two looks at what is running; the first one comes earlier.
NEWS_SECONDS = 600


@dataclass
class Outcome:
    """What came of a list of runs; each is a list of names.

    Attributes:
        done: Finished now.
        failed: Ended with an error.
        elsewhere: Being trained by another process.
        waiting: Not begun, because something that they need failed or is elsewhere.
    """
    done: List[str] = field(default_factory=list)
    failed: List[str] = field(default_factory=list)
    elsewhere: List[str] = field(default_factory=list)
    waiting: List[str] = field(default_factory=list)


class Execution:
    """Trains runs.

    Args:
        runs: All runs of the table.
        results: Where finished ones are noted.
        table: Name of the table.
        jobs: How many trainings at a time.
        report: Called with lines of progress.
    """

    def __init__(self, runs: Dict[str, Run], results: Results, table: str, jobs: int,
                 report: Callable[[str], None] = print) -> None:
        self.runs, self.results, self.table = runs, results, table
        self.jobs, self.report = jobs, report
        self.active: List[Training] = []
        self.outcome = Outcome()
        self._total = 0
        self._server = None
        self._gpus = gpus()

    def train(self, names: Sequence[str]) -> Outcome:
        """Train the named runs, which must come after those that they need.

        Raises:
            KeyboardInterrupt: After Ctrl-C, when every training has ended.
        """
        queue, self._total = list(names), len(names)
        self._news = time.monotonic() + NEWS_SECONDS / 10
        # For one or two, its imports would take as long as theirs.
        self._server = open_fork_server(self.jobs) if len(queue) > 2 else None
        try:
            while queue or self.active:
                while len(self.active) < self.jobs and self._start_next(queue):
                    pass
                if not self.active and not self._start_next(queue):
                    break
                self._collect()
                self._tell_news(queue)
                if self.active:
                    time.sleep(POLL_SECONDS)
        except BaseException:
            self._stop()
            raise
        finally:
            if self._server:
                self._server.close()
        self.outcome.waiting += queue
        return self.outcome

    def _start_next(self, queue: List[str]) -> bool:
        """Start the first run that can be; says whether there was one to take from the queue."""
        open_names = {*queue, *(t.run.name for t in self.active), *self.outcome.failed,
                      *self.outcome.elsewhere}
        name = next((name for name in queue if not open_names & set(self.runs[name].needs)), None)
        if name is None:
            return False
        queue.remove(name)
        run = self.runs[name]
        try:
            if is_trained(run):  # by a process that did not live to note it
                self._note(run)
                return True
            before = self.runs[run.after] if run.after else None
            self.active.append(Training(run, before, self.jobs, self._server, self._idlest_gpu()))
            self.report(f'{self._count()} {run.label}: training, log in '
                        f'{run.work_dir / "train.log"}')
        except Busy:
            self.outcome.elsewhere.append(name)
            self.report(f'{self._count()} {run.label}: is being trained by another process')
        except UserError as error:
            self._fail(run, error)
        return True

    def _idlest_gpu(self) -> Optional[str]:
        """The one on which the fewest trainings run."""
        busy = [training.gpu for training in self.active]
        return min(self._gpus, key=busy.count, default=None)

    def _collect(self) -> None:
        """Note the trainings that have ended."""
        for training in list(self.active):
            status = training.ended()
            if status is None:
                continue
            self.active.remove(training)
            run = training.run
            if status == 0 and is_trained(run):
                self._note(run)
            else:
                self.outcome.failed.append(run.name)
                self.report(f'{self._count()} {run.label}: failed, {last_error(run)} (log: '
                            f'{run.work_dir / "train.log"})')

    def _fail(self, run: Run, error: UserError) -> None:
        """Note as failed what did not fail in its own process, which would have logged it."""
        with open(run.work_dir / LOG, 'a', encoding='utf-8') as log:
            log.write(f'error: {error}\n')
        self.outcome.failed.append(run.name)
        self.report(f'{self._count()} {run.label}: failed, {error}')

    def _note(self, run: Run) -> None:
        try:
            record = make_record(run, self.table)
        except UserError as error:
            self._fail(run, error)
            return
        self.results.write(run, record)
        self.outcome.done.append(run.name)
        result = headline(record)
        self.report(f'{self._count()} {run.label}: done in {duration(record["seconds"])}'
                    f'{": " if result else ""}{result}')

    def _count(self) -> str:
        ended = len(self.outcome.done) + len(self.outcome.failed) + len(self.outcome.elsewhere)
        return f'[{ended}/{self._total}]'

    def _tell_news(self, queue: Sequence[str]) -> None:
        """Now and then: how far everything is."""
        if time.monotonic() < self._news:
            return
        self._news = time.monotonic() + NEWS_SECONDS
        for training in self.active:
            self.report(f'  {training.run.label}: {training.progress() or "starting"}')
        left = Estimates(self.runs, self.results).total(
            [*(training.run.name for training in self.active), *queue], self.jobs)
        if left is not None:
            self.report(f'  about {duration(left)} for all that is left, at most')

    def _stop(self) -> None:
        """End every training; a second Ctrl-C does not wait for them."""
        for training in self.active:
            training.interrupt()
        if self.active:
            self.report(f'Ending {counted(len(self.active), "training")} ...')
        patience: float = PATIENCE
        for training in self.active:
            try:
                training.finish_off(patience)
            except KeyboardInterrupt:
                patience = 0
                training.finish_off(patience)
