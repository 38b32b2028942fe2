"""A batch of measurements as it goes on: what is done, and how long the rest will take."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from danas_hil.cli.show import console, format_duration, note, print_line

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.measure import Item, Measurement

_QUIET_SECONDS = 10.0


class MeasureProgress:
    """Lines for what is done, and on a terminal a bar for what is being done.

    total: how many are to be measured. The time that remains is that of those measured so far,
    times those that are left; what was measured earlier takes none.
    """

    def __init__(self, total: int, place: str) -> None:
        self._total = total
        self._place = place
        self._done = 0
        self._taken: list[float] = []
        self._started = self._said = time.monotonic()
        self._item = ""
        out = console(error=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[left]}"),
            console=out,
            disable=not out.is_terminal,
            transient=True,
        )
        self._bar = self._bars.add_task("", total=None, left="")

    def __enter__(self) -> MeasureProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    @property
    def done(self) -> int:
        return self._done

    def starting(self, item: Item) -> None:
        self._started = self._said = time.monotonic()
        self._item = item.id
        self._show(f"{self._done + 1} of {self._total}: {item.id}", None, 0, self._left())

    def compiling(self, what: str, files: int) -> None:
        """A build has compiled so many files of `what`."""
        told = f"{self._item}: compiling {what}: {files} files"
        self._show(told, None, 0, self._left())
        if self._bars.disable:
            self._said = tell_seldom(self._said, told)

    def waiting(self, what: str) -> None:
        """Nothing goes on until another process is done with `what`."""
        told = f"{self._item}: waiting for {what}"
        self._show(told, None, 0, "")
        if self._bars.disable:
            note(told)

    def streamed(self, done: int, total: int) -> None:
        """Test images, of which the device has classified `done`."""
        now = time.monotonic()
        if done == 0:
            self._streaming = now
        left = ""
        if 0 < done < total:
            left = f"{format_duration((now - self._streaming) / done * (total - done))} left"
        told = f"{self._item}: {done} of {total} test examples"
        self._show(told, total, done, left)
        if self._bars.disable and left:
            self._said = tell_seldom(self._said, f"{told}, {left}")

    def finished(self, item: Item, measurement: Measurement, earlier: bool) -> None:
        self._done += 1
        told = "measured earlier"
        if not earlier:
            seconds = time.monotonic() - self._started
            self._taken.append(seconds)
            told = f"{measurement.status}, {format_duration(seconds)}"
        left = self._left()
        self._line(
            f"{self._done} of {self._total}: {item.id} on {self._place}: {told}"
            + (f"; {left}" if left else "")
        )

    def _left(self) -> str:
        rest = self._total - self._done
        if not rest or not self._taken:
            return ""
        return f"{format_duration(sum(self._taken) / len(self._taken) * rest)} left"

    def _show(self, text: str, total: int | None, done: int, left: str) -> None:
        self._bars.update(
            self._bar, description=escape(text), total=total, completed=done, left=left
        )

    def _line(self, text: str) -> None:
        print_line(self._bars.console, text)


def tell_seldom(said: float, text: str) -> float:
    """Tell `text` where nothing was told for a while; when something was, on the monotonic clock.

    said: when something was before.
    """
    now = time.monotonic()
    if now - said < _QUIET_SECONDS:
        return said
    note(text)
    return now
