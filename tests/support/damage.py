"""Files as they come back from a bad disk, a broken download, or somebody who means harm."""
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

# `-m slow` runs thousands; what `make test` runs takes seconds.
CASES = pytest.mark.parametrize('cases', [200, pytest.param(3000, marks=pytest.mark.slow)])

NASTY = [b'', b'\0', b'\xff' * 4, b'9' * 5000, b'-1', b'1e999', b'NaN', b'1_0', '٣'.encode(),
         b'"', b'\n', b'\r', b',', b'[' * 3000, b'{}', b'null', b'../../etc/passwd',
         b'\xef\xbb\xbf', b'\x80\x04cos\nsystem\n', b'PK\x03\x04', b'\xed\xa0\x80',
         b'(10000000000,)', b"'O'"]


def damaged(*bases: bytes):
    """One of the files after one to four accidents."""
    edit = st.tuples(st.sampled_from(['cut', 'flip', 'put', 'drop', 'repeat']),
                     st.floats(0, 1), st.floats(0, 0.2), st.integers(0, 7),
                     st.one_of(st.sampled_from(NASTY), st.binary(max_size=8)))
    return st.builds(_apply, st.sampled_from(bases), st.lists(edit, min_size=1, max_size=4))


def _apply(data: bytes, edits: list) -> bytes:
    for kind, place, share, bit, payload in edits:
        begin = int(place * max(len(data) - 1, 0))
        end = begin + 1 + int(share * len(data))
        if kind == 'cut':
            data = data[:begin]
        elif kind == 'flip' and data:
            data = data[:begin] + bytes([data[begin] ^ 1 << bit]) + data[begin + 1:]
        elif kind == 'put':
            data = data[:begin] + payload + data[begin + len(payload) * (bit % 2):]
        elif kind == 'drop':
            data = data[:begin] + data[end:]
        elif kind == 'repeat':
            data = data[:end] + data[begin:end] + data[end:]
    return data


def for_all(strategy, cases: int, check) -> None:
    """Run ``check`` on so many draws."""
    # Without shrinking, which takes minutes where each case reads files.
    settings(max_examples=cases, deadline=None, database=None, phases=[Phase.generate],
             suppress_health_check=list(HealthCheck))(given(strategy)(check))()
