"""Stands between us and a program that we run, and ends it when we are gone, however that was.

A signal on the death of the parent (PR_SET_PDEATHSIG) reaches a direct child only, is lost where
the *thread* that started it ends, and PlatformIO starts SCons, which starts compilers. So a
process of ours, with one thread, is the parent: it holds one end of a socket, whose other end
closes with us, also at kill -9. On Linux it adopts whatever loses its parent below it, so that it
finds all of them, in groups and sessions of their own too; elsewhere it knows the program's group.

It is run by its path, with the number of the socket and the program's arguments. It tells on the
socket that the program runs, or the number of the error why not, and ends as the program does.
Nothing of ours is imported: it starts in a tenth of the time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time
from types import FrameType

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # <linux/prctl.h>
LOOK_SECONDS = 1.0  # whether we were adopted: a fork of our parent may hold its end of the socket
END_SECONDS = 5.0  # a process that the kernel does not let go is not waited for
STARTED = b"started"
LINUX = sys.platform == "linux"
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Ended(BaseException):
    """Somebody asks the keeper to end."""


def main(socket: int, arguments: list[str]) -> int:
    """Run the program to its end, or to ours; its wait status, as os.waitpid tells it."""
    os.set_inheritable(socket, False)
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in ENDING:
        signal.signal(number, _ended)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _set(SET_CHILD_SUBREAPER, 1)
    parent, program = os.getppid(), 0
    try:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # until the program is known
        program = _start(socket, arguments, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        while True:
            status = _reap(program)
            if status is not None:
                return status
            ready, _, _ = select.select([socket, woken], [], [], LOOK_SECONDS)
            if woken in ready:
                os.read(woken, 4096)
            if socket in ready or os.getppid() != parent:
                return signal.SIGKILL
    except Ended:
        return signal.SIGKILL
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        _kill_all(program)


def _start(socket: int, arguments: list[str], mask: set[int]) -> int:
    """The program's process id, once it runs. What it inherits we let go of: who reads its output
    waits for its end, not for ours."""
    told, tell = os.pipe()
    keeper = os.getpid()
    program = os.fork()
    if program == 0:
        try:
            os.setsid()
            _set(SET_PDEATHSIG, signal.SIGKILL)
            for number in (*ENDING, signal.SIGCHLD, signal.SIGPIPE):  # Python ignores the last
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            if os.getppid() == keeper:
                os.execvp(arguments[0], arguments)
        except OSError as error:
            os.write(tell, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(tell)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    failed = os.read(told, 16)
    os.close(told)
    with contextlib.suppress(OSError):  # nobody listens any more: the next look ends us
        os.write(socket, failed or STARTED)
    return program


def _reap(program: int) -> int | None:
    """Take leave of all that have ended; the status of the program where it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            if process == program:
                found = status
    return found


def _kill_all(program: int) -> None:
    """End everything below us. Who is killed can start nothing more; who was started meanwhile is
    found in the next round."""
    end = time.monotonic() + END_SECONDS
    while time.monotonic() < end:
        if program:
            with contextlib.suppress(OSError):
                os.killpg(program, signal.SIGKILL)
        for process in _below(os.getpid()):
            with contextlib.suppress(OSError):  # it has ended, or belongs to somebody else
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _below(process: int) -> list[int]:
    """Children of a process, theirs, and so on; none where the system does not tell."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if LINUX else ():  # noqa: PTH208 - without loading pathlib
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                parent = int(file.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found, next_ones = [], [process]
    while next_ones:
        next_ones = [child for one in next_ones for child in children.get(one, ())]
        found += next_ones
    return found


def _set(option: int, value: int) -> None:
    if LINUX:
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _ended(_number: int, _frame: FrameType | None) -> None:
    raise Ended


def _end_as(status: int) -> None:
    """End by the signal that the program ended by, or with its exit status."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if not number:
        os._exit(os.WEXITSTATUS(status))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # a signal that ends nobody


if __name__ == "__main__":
    _end_as(main(int(sys.argv[1]), sys.argv[2:]))
