"""Output that nobody reads any more: after ``| head``, or on a terminal that is closed."""
import os
import select


def silence_unread(*streams: int) -> bool:
    """Print into nothing what would be an error now, in the middle of what is to be saved.

    Args:
        streams: File descriptors.

    Returns:
        Whether one of them had no reader any more.
    """
    unread = [stream for stream in streams if _is_unread(stream)]
    if unread:
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in unread:
            os.dup2(nothing, stream)
        os.close(nothing)
    return bool(unread)


def _is_unread(stream: int) -> bool:
    try:
        os.write(stream, b'')  # which a closed terminal refuses
    except OSError:
        return True
    if not hasattr(select, 'poll'):  # Windows
        return False
    poll = select.poll()  # which knows about pipes
    poll.register(stream, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
