"""The self-test, on an emulated board as on a real one."""

from __future__ import annotations

from danas_hil.measure.selftest import CHECKS
from danas_hil.pytest_plugin import Dut


def test_the_self_test_is_good(dut: Dut) -> None:
    result = dut.selftest()
    assert [check for check in result.checks if not check.good] == []
    assert tuple(check.name for check in result.checks) == CHECKS
    assert result.good
    assert result.device == dut.name
    assert result.hello.board == dut.board.id
    sizes = result.sizes
    assert sum(sizes.flash_shares.values()) == sizes.flash_bytes
    assert sum(sizes.static_ram_shares.values()) == sizes.static_ram_bytes
    for shares in (sizes.flash_shares, sizes.static_ram_shares):
        assert all(shares[owner] > 0 for owner in ("model", "sketch", "framework", "c_library"))
        assert shares["tflm"] == 0
        assert 0 <= shares["linker"] < 512
