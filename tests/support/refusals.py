"""What is said to a user whose input cannot be used."""
import contextlib

import pytest

from ssfer_mm.errors import UserError


@contextlib.contextmanager
def refuses(*parts):
    """Expects a UserError of one line that contains all parts."""
    with pytest.raises(UserError) as caught:
        yield
    message = str(caught.value)
    assert '\n' not in message
    assert [part for part in parts if part not in message] == [], message
