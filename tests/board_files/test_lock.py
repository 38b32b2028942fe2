"""Two processes never share a device."""

import os
import subprocess
import sys
import time

import pytest

from danas_hil.base import DanasError, user_folder
from danas_hil.board import device_lock

HOLD = """
import sys
from danas_hil.board import device_lock
with device_lock("7E1A", "nano33ble@7E1A"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Another process that has the device."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_device_in_use_is_refused_and_the_error_names_who_has_it(holder):
    started = time.monotonic()
    with pytest.raises(DanasError) as caught, device_lock("7E1A", "the Nano", 0.3):
        raise AssertionError("both have it")
    assert 0.3 <= time.monotonic() - started < 5
    assert caught.value.what == (
        f"Process {holder.pid} uses the Nano, and did not let it go within 0.3 s."
    )


def test_another_device_is_free(holder):
    with device_lock("9F00", "another"):
        pass


@pytest.mark.parametrize("end", ["well", "killed"])
def test_a_device_is_free_again_however_its_holder_ends(holder, end):
    if end == "killed":
        holder.kill()
    else:
        holder.stdin.close()
    with device_lock("7E1A", "the Nano", 10):
        assert (user_folder("locks") / "7E1A.pid").read_text() == f"{os.getpid()}\n"
    assert not (user_folder("locks") / "7E1A.pid").exists()


def test_one_process_may_take_it_twice():
    with device_lock("1-1.2", "a board"):
        with device_lock("1-1.2", "a board"):
            pass
        assert (user_folder("locks") / "1-1.2.pid").exists()


def test_a_url_is_a_file_name_too():
    with device_lock("socket://lab:4000/x", "a board"):
        assert (user_folder("locks") / "socket-lab-4000-x.lock").exists()
