"""Reading ahead and writing behind, in threads and in bounded memory."""
import contextlib
import queue
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Deque, Generic, Iterable, Iterator, Optional, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')
PATIENCE = 0.1  # seconds after which a waiting thread looks whether it is still wanted


def read_ahead(items: Iterable[Item], depth: int = 1) -> Iterator[Item]:
    """The same items, made in a thread while the last ones are worked on.

    Args:
        items: What to iterate over; in the thread only.
        depth: How many finished ones may wait. One more is being made, and one is being used.

    Raises:
        BaseException: What ``items`` raises, after all before it were handed on.
    """
    waiting: queue.Queue = queue.Queue(depth)
    stop = threading.Event()

    def put(entry: tuple) -> bool:
        while not stop.is_set():
            try:
                waiting.put(entry, timeout=PATIENCE)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((None, StopIteration()))
        except BaseException as error:
            put((None, error))
        finally:
            close = getattr(items, 'close', None)
            if close is not None:  # threads of its own end with it
                close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        thread.join()


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item],
              workers: int) -> Iterator[Result]:
    """``map(function, items)`` by several threads, in order.

    Args:
        function: Called in a thread; one that leaves Python's lock alone gains from it.
        items: Taken one after the other by the caller's thread.
        workers: How many threads, and how many results are in hand besides the one handed on.

    Raises:
        BaseException: What ``items`` or ``function`` raises, after all before it were handed on.
    """
    waiting: Deque[Future] = deque()
    with ThreadPoolExecutor(workers) as pool, contextlib.ExitStack() as stack:
        stack.callback(lambda: [future.cancel() for future in waiting])
        iterator = iter(items)
        error: Optional[BaseException] = None
        while error is None:
            try:
                waiting.append(pool.submit(function, next(iterator)))
            except BaseException as raised:
                error = raised
            while len(waiting) > (workers if error is None else 0):
                yield waiting.popleft().result()
        if not isinstance(error, StopIteration):
            raise error


class WriteBehind(Generic[Item]):
    """Hands items to a function in a thread, in order; a context manager.

    Args:
        write: Called with one item after the other.
        depth: How many items may wait.

    Raises:
        BaseException: What ``write`` raised, from the next `put` or the end of the block.
    """

    def __init__(self, write: Callable[[Item], None], depth: int = 4) -> None:
        self._write = write
        self._waiting: queue.Queue = queue.Queue(depth)
        self._error: Optional[BaseException] = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> 'WriteBehind[Item]':
        self._thread.start()
        return self

    def put(self, item: Item) -> None:
        """Have an item written; waits while too many others do."""
        if self._error is not None:
            raise self._error
        self._waiting.put((item,))

    def __exit__(self, kind: Optional[type], *rest: object) -> None:
        self._abandoned = kind is not None
        self._waiting.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        # Goes on taking items after an error, so that nobody waits for room forever.
        while (entry := self._waiting.get()) is not None:
            if self._error is None and not self._abandoned:
                try:
                    self._write(entry[0])
                except BaseException as error:
                    self._error = error
