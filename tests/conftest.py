"""What all tests share: hypothesis profiles, the user's folders kept out of it, shared data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Before anything imports TensorFlow: errors only.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# A test command gives the same answer twice; `make fuzz` looks for new examples. No deadline:
# how long an example takes depends on what else the computer does.
hypothesis.settings.register_profile("test", derandomize=True, deadline=None, max_examples=100)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=3000, print_blob=True)
hypothesis.settings.load_profile("test")


@pytest.fixture(scope="session", autouse=True)
def _user_folders(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Builds, locks and caches of a test session are its own, not the user's.

    Unless boards are named: their locks are everyone's, and what was compiled for them is kept.
    """
    if request.config.getoption("danas_board"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DANAS_HIL_HOME", str(tmp_path_factory.mktemp("danas-hil-home")))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the source tree, with data too large to keep in it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("there is no folder `shared` beside the source tree")
    return folder
