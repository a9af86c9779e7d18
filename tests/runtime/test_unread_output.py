"""Where nobody reads any more, prints go nowhere instead of failing."""
import os
import pty

import pytest

from ssfer_mm.runtime.unread_output import silence_unread


def a_pipe():
    return os.pipe()


def a_terminal():
    return pty.openpty()


@pytest.mark.parametrize('make', [a_pipe, a_terminal])
def test_a_reader_that_has_left(make):
    reader, writer = make()
    os.close(reader)
    with pytest.raises(OSError):
        os.write(writer, b'x')
    assert silence_unread(writer)
    assert os.write(writer, b'x') == 1 and not silence_unread(writer)
    os.close(writer)


def test_one_that_is_there_gets_everything_and_keeps_it():
    (gone, unread), (reader, writer) = os.pipe(), os.pipe()
    os.close(gone)
    os.write(writer, b'first, ')
    assert silence_unread(unread, writer) and not silence_unread(writer)
    os.write(writer, b'second')
    assert os.read(reader, 100) == b'first, second'
    for descriptor in (unread, reader, writer):
        os.close(descriptor)
