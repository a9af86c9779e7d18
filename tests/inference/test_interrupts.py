"""The two signals in other threads, which may not set handlers."""
import signal
import threading

from ssfer_mm.inference.interrupts import GentleStop, kill_as_interrupt


def test_signals_stay_as_they_are_in_other_threads():
    def elsewhere():
        with kill_as_interrupt(), GentleStop() as stop:
            done.append(stop.wanted)

    numbers = signal.SIGINT, signal.SIGTERM
    done, before = [], [signal.getsignal(number) for number in numbers]
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(60)
    assert done == [False] and [signal.getsignal(number) for number in numbers] == before
