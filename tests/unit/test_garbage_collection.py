"""The garbage collector is disabled during a block, and afterwards in its previous state."""

from __future__ import annotations

import gc

import pytest

from halluc.core.memory import uncollected


@pytest.mark.parametrize("was_on", [True, False])
def test_the_collector_comes_back_as_it_was(was_on):
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        with pytest.raises(KeyError), uncollected():
            with uncollected():
                assert not gc.isenabled()
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == was_on
    finally:
        (gc.enable if before else gc.disable)()
