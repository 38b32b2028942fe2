"""What we run ends with us, whatever ends us."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from danas_hil.base import DanasError, Deadline, UnfinishedError, run_process, running_process
from processes import below, comes, marked, processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is adopted is found by /proc")

# A program with a child, a child of that one, and one in a session of its own whose parent is
# gone; all with the mark on their command line, and deaf to what asks them to end.
FAMILY = """
import os, signal, subprocess, sys, time
script, mark, generation = sys.argv
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def another(generation):
    subprocess.Popen([sys.executable, script, mark, generation])
if generation == "parent":
    another("child")
    if os.fork() == 0:
        os.setsid()
        another("orphan")
        os._exit(0)
elif generation == "child":
    another("grandchild")
print("runs", flush=True)
time.sleep(60)
"""
MEMBERS = 4

# A thread that starts the program and ends, so that its death must mean nothing.
RUNS = """
import sys, threading, time
from pathlib import Path
from danas_hil.base import Deadline, run_process, running_process
kind, log, *command = sys.argv[1:]
opened = []
def start():
    if kind == "emulator":
        opened.append(running_process(command))
        opened[0].__enter__()
    else:
        run_process(command, deadline=Deadline(60), log=Path(log))
thread = threading.Thread(target=start, daemon=True)
thread.start()
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> list[str]:
    script = tmp_path / "family.py"
    script.write_text(FAMILY)
    return [sys.executable, str(script), f"mark-{uuid.uuid4().hex}", "parent"]


def alive(family: list[str]) -> int:
    """How many of the family run, without who keeps or runs it, that have the mark as well."""
    start = " ".join(family[:3])
    return sum(command.startswith(start) for _, command in processes().values())


@pytest.mark.parametrize("kind", ["build", "emulator"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_what_we_ran_when_we_are_killed(
    tmp_path: Path, family: list[str], kind: str, end: signal.Signals
) -> None:
    command = [sys.executable, "-c", RUNS, kind, str(tmp_path / "log"), *family]
    with subprocess.Popen(command) as we:
        assert comes(lambda: alive(family) == MEMBERS)
        we.send_signal(end)
        we.wait()
        assert comes(lambda: not marked(family[2]))


def test_a_thread_that_ends_takes_nothing_with_it(family: list[str]) -> None:
    opened = running_process(family)
    thread = threading.Thread(target=opened.__enter__)
    thread.start()
    thread.join()
    assert comes(lambda: alive(family) == MEMBERS)
    time.sleep(0.2)
    assert alive(family) == MEMBERS
    opened.__exit__(None, None, None)
    assert alive(family) == 0


def test_the_end_of_a_block_is_the_end_of_all_that_was_started_in_it(family: list[str]) -> None:
    with running_process(family):
        assert comes(lambda: alive(family) == MEMBERS)
    assert alive(family) == 0


def test_a_keeper_that_is_killed_takes_its_program_along() -> None:
    with running_process(["sleep", "60"]) as keeper:
        (program,) = below(keeper.pid)
        keeper.kill()
        assert comes(lambda: not Path(f"/proc/{program}").exists())


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_program_that_dies_of_a_signal_is_told_with_it(number: signal.Signals) -> None:
    program = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})"]
    assert run_process(program, deadline=Deadline(60)).status == -number


def test_a_program_has_the_signals_that_programs_have() -> None:
    """Python ignores SIGPIPE; `yes | head` must end."""
    shell = ["bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]
    assert run_process(shell, deadline=Deadline(20)).output == "y\n141\n"


def test_what_can_not_be_run_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(DanasError, match="can't be started: Permission denied"):
        run_process([str(tmp_path / "text")], deadline=Deadline(5))
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(DanasError, match="can't be started: Exec format error"):
        run_process([str(tmp_path / "text")], deadline=Deadline(5))


def test_a_program_that_falls_silent_is_given_up_and_one_that_talks_is_not() -> None:
    talks = "import time\nfor _ in range(6): print('x', flush=True); time.sleep(0.3)"
    done = run_process([sys.executable, "-c", talks], deadline=Deadline(30), silence_seconds=1.0)
    assert done.output == "x\n" * 6
    with pytest.raises(UnfinishedError, match=r"printed nothing for 1 s \(waiting for a build\)"):
        run_process(
            ["sh", "-c", "echo x; sleep 30"],
            deadline=Deadline(30, "a build"),
            silence_seconds=1.0,
        )


def test_lines_are_heard_whole_while_the_program_runs() -> None:
    heard: list[tuple[str, float]] = []
    program = (
        "import sys, time\nsys.stdout.write('one\\ntw'); sys.stdout.flush(); time.sleep(1.2)\n"
        "print('o')"
    )
    started = time.monotonic()
    run_process(
        [sys.executable, "-c", program],
        deadline=Deadline(30),
        heard=lambda line: heard.append((line, time.monotonic() - started)),
    )
    assert [line for line, _ in heard] == ["one", "two"]
    assert heard[0][1] < heard[1][1] - 0.4


def test_programs_are_started_in_one_place() -> None:
    package = Path(__file__).resolve().parents[2] / "host" / "danas_hil"
    starting = {"Popen", "run", "call", "check_call", "check_output", "system", "fork", "popen"}
    found = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in starting
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("subprocess", "os")
            ):
                found.add(file.relative_to(package).as_posix())
    assert found == {"base/process.py", "base/keeper.py"}
