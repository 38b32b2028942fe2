import sys
import time
from pathlib import Path

import pytest

from danas_hil.base import DanasError, Deadline, run_process


def _python(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", program, *arguments]


def _runs(process_id: int) -> bool:
    """Whether a process is there and has not ended (a zombie has)."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_status_and_both_streams_come_back_and_are_kept(tmp_path: Path) -> None:
    program = (
        "import os; os.write(1, b'out\\n'); os.write(2, b'error \\xff\\n'); raise SystemExit(3)"
    )
    log = tmp_path / "logs" / "build.log"
    finished = run_process(_python(program), deadline=Deadline(60), log=log)
    assert finished.status == 3
    assert finished.output == "out\nerror \N{REPLACEMENT CHARACTER}\n"
    assert finished.arguments[0] == sys.executable
    assert log.read_bytes() == b"out\nerror \xff\n"


def test_a_log_is_of_the_last_run_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("a long first line", "short"):
        run_process(_python(f"print('{word}')"), deadline=Deadline(60), log=log)
    assert log.read_text() == "short\n"


def test_the_program_sees_its_folder_its_environment_and_no_input(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), os.environ['BOARD'], repr(sys.stdin.read()))"
    finished = run_process(
        _python(program),
        deadline=Deadline(None),
        folder=tmp_path,
        environment={"BOARD": "nano"},
    )
    assert finished.output == f"{tmp_path} nano ''\n"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(DanasError, match=r"no-such-program can't be started.*doctor"):
        run_process(["no-such-program"], deadline=Deadline(1))


def test_the_deadline_kills_the_program_and_all_that_it_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    start = time.monotonic()
    with pytest.raises(DanasError, match=r"sh did not end within 1 s \(waiting for PlatformIO\)"):
        run_process(
            ["sh", "-c", "sleep 60 & echo $$ $!; sleep 60"],
            deadline=Deadline(1, "PlatformIO"),
            log=log,
        )
    assert time.monotonic() - start < 30
    family = [int(word) for word in log.read_text().split()]
    assert len(family) == 2
    killed = Deadline(10)
    while any(map(_runs, family)) and not killed.expired:
        time.sleep(0.01)
    assert not any(map(_runs, family))


def test_a_daemon_left_behind_does_not_keep_us_waiting() -> None:
    start = time.monotonic()
    finished = run_process(["sh", "-c", "sleep 20 & echo started"], deadline=Deadline(60))
    assert finished.output == "started\n"
    assert time.monotonic() - start < 15
