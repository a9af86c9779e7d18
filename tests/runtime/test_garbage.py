"""The collector rests inside, and afterwards does what it did before."""
import gc

import pytest

from ssfer_mm.runtime.garbage import collector_rests


@pytest.mark.parametrize('before', [True, False])
def test_it_is_put_back_even_after_an_error(before):
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(ValueError), collector_rests():
            assert not gc.isenabled()
            raise ValueError
        assert gc.isenabled() == before
    finally:
        (gc.enable if was else gc.disable)()
