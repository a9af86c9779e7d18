"""torchrun, for torchrun.sh: where it ends with a traceback of its own, one line or none."""
import logging
import os
import signal
import sys
import threading

# Statuses of which a process itself has said everything: see ssfer_mm.command_line.run.run_cli.
SAID = {2: 'a mistake of the user', 130: 'Ctrl-C'}


def main() -> int:
    """Returns the exit status of the process that failed first, or 128 and a signal's number."""
    try:
        from torch.distributed.elastic.multiprocessing import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.run import parse_args, run
    except KeyboardInterrupt:
        print('\nInterrupted.', file=sys.stderr)
        return 130
    # They call every end a failure, and tell which process was sent which signal.
    for part in ('agent.server.api', 'multiprocessing.api'):
        logging.getLogger(f'torch.distributed.elastic.{part}').setLevel(logging.CRITICAL)
    try:
        run(parse_args(sys.argv[1:]))
    except SignalException as stop:
        return 128 + int(stop.sigval)
    except ChildFailedError as error:
        rank, failure = cause(error)
        if failure.exitcode in SAID:
            return failure.exitcode
        print(f'error: process {rank} of this run {end_of(failure)}', file=sys.stderr)
        return 128 - failure.exitcode if failure.exitcode < 0 else failure.exitcode
    return 0


def hear_hang_ups() -> None:
    """Make one SIGTERM of all the SIGHUPs of a closed terminal; where nohup ignores them, none.

    torchrun hears SIGHUP after nohup too, and at the second one, a shell's after the system's, it
    would end processes that are about to save.
    """
    if not hasattr(signal, 'SIGHUP'):  # Windows
        return
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    # In the threads and processes that begin from here on, too.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})

    def wait() -> None:
        signal.sigwait({signal.SIGHUP})
        os.kill(os.getpid(), signal.SIGTERM)

    if not ignored:
        threading.Thread(target=wait, daemon=True).start()


def cause(error) -> tuple:
    """Rank and failure of the process that failed first, of torchrun's ChildFailedError.

    The others notice, or are sent SIGTERM for it.
    """
    killed = [(rank, failure) for rank, failure in error.failures.items()
              if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM]
    return killed[0] if killed else error.get_first_failure()


def end_of(failure) -> str:
    """How a process ended, and where to look, of torchrun's ProcessFailure."""
    if failure.exitcode == -signal.SIGKILL:
        return ('was killed (SIGKILL), perhaps because the memory was full: set a smaller '
                'batch_size or num_workers')
    if failure.exitcode < 0:
        return f'was ended by {failure.signal_name()}; what it said stands above'
    return f'ended with status {failure.exitcode}; what it said stands above'


if __name__ == '__main__':
    hear_hang_ups()
    sys.exit(main())
