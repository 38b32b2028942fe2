"""The short name `dut`, a plugin of its own: registered only where no other has such a fixture.

It is a module, since pytest 10 will not take a session's fixture from an object's methods.
"""

from __future__ import annotations

import pytest

from danas_hil.pytest_plugin.dut import Dut


@pytest.fixture(scope="session")
def dut(danas_board: Dut) -> Dut:
    """The board that a test runs with: the short name of danas_board."""
    return danas_board
