"""How a search looks while it runs: bars on a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from danas_hil.cli.show import console, format_duration, percent, print_line, wrapped
from danas_hil.data import Balance
from danas_hil.run import Evaluation
from danas_hil.search import Listener, SearchSettings, search_seconds

_QUIET_SECONDS = 10.0
_CLASSES_TOLD = 10


class SearchProgress(Listener):
    """A listener that shows training, search and export with the time that remains."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        end = search_seconds(settings)
        self._end = None if end is None else round(end)
        self._console = console(error=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said = 0.0
        self._phase_started = (("", time.monotonic()), 0)
        self._warm = False

    def __enter__(self) -> SearchProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def decoding(self, split: str, done: int, total: int | None) -> None:
        self._show(f"reading {split}", done, total)

    def data_ready(self, balance: Mapping[str, Balance]) -> None:
        for split, counts in balance.items():
            dropped = f", {counts.dropped:,} of no class dropped" if counts.dropped else ""
            self._line(f"{split}: {_by_class(counts)}{dropped}")

    def training_planned(
        self, steps: Mapping[str, int], seconds: float | None, origin: str
    ) -> None:
        listed = ", ".join(f"{name} {count:,}" for name, count in steps.items())
        total = "" if seconds is None else f", about {format_duration(seconds)} in all"
        self._line(f"training steps ({origin}{total}): {listed}")

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        self._show(f"training {data}", step, steps, f"loss {loss:.3f}" if step else "")

    def looking(self, data: str, done: int, total: int) -> None:
        self._show(f"looking at the front of {data}", done, total, "")

    def focused(self, data: str, use: Mapping[str, float]) -> None:
        parts = sorted(use.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{name} {percent(share)}" for name, share in parts)
        self._line(f"training of {data} goes on by the front: {listed or 'all alike'}")

    def waiting(self, what: str) -> None:
        if self._bars.disable and time.monotonic() - self._said < _QUIET_SECONDS:
            return
        self._said = time.monotonic()
        if self._bars.disable:
            self._line(f"waiting for {what}")
        else:
            self._show("waiting", 0, None, f"for {what}")

    def evaluated(self, evaluation: Evaluation, best: Evaluation | None) -> None:
        done = evaluation.index + 1
        note = f"best {_best(best)}"
        if self._settings.trials is not None or self._end is None:
            self._show("evaluations", done, self._settings.trials, note)
        else:  # by the clock
            elapsed = min(int(evaluation.elapsed_seconds), self._end)
            self._show("searching", elapsed, self._end, f"{done:,} evaluations, {note}", unit="s")
        if evaluation.outcome == "failed":
            self.warning(f"evaluation {evaluation.index} failed: {evaluation.reason}")

    def prolonged(self, seconds: float) -> None:
        self._end = round(seconds)
        self._line("no candidate is fine-tuned: too few steps in the time kept for it")

    def late(self, until: float, seconds: float) -> None:
        self._end = round(until)
        self.warning(
            "Training took longer than planned. Evaluations go on all the same, for about"
            f" {format_duration(seconds)} more."
        )

    def exporting(self, done: int, total: int, what: str) -> None:
        self._show("exporting", done, total, what)

    def warning(self, text: str) -> None:
        out, mark = self._bars.console, "Note:"
        rest = wrapped(f"{mark} {text}", out.width).removeprefix(mark)
        out.print(Text.assemble((mark, "yellow"), rest), soft_wrap=True)

    def _line(self, text: str) -> None:
        print_line(self._bars.console, text)

    def _show(
        self, name: str, done: int, total: int | None, note: str = "", unit: str = ""
    ) -> None:
        if self._bars.disable:
            self._show_plainly(name, done, total, note, unit)
            return
        if name not in self._tasks:
            for task in self._tasks.values():
                self._bars.update(task, visible=False)
            self._tasks[name] = self._bars.add_task(name, total=total, note=note)
        self._bars.update(
            self._tasks[name], completed=done, total=total, note=escape(note), visible=True
        )
        if total is not None and done >= total and not unit:
            self._bars.remove_task(self._tasks.pop(name))

    def _show_plainly(self, name: str, done: int, total: int | None, note: str, unit: str) -> None:
        """A line now and then, and at the beginning and the end of a phase.

        The time left goes by what follows the first of them, which holds what is done once: a
        graph is traced, a library loaded.
        """
        now = time.monotonic()
        (phase, since), first = self._phase_started
        begins = phase != name
        if begins or (not self._warm and done > first):
            since, first = now, done
            self._phase_started, self._warm = ((name, now), done), not begins
        if not begins and now - self._said < _QUIET_SECONDS and done != total:
            return
        self._said = now
        remaining = ""
        if total is not None and first < done < total:
            left = (now - since) / (done - first) * (total - done)
            remaining = f", {format_duration(left)} left"
        count = f"{done:,}" if total is None else f"{done:,} of {total:,}"
        count += f" {unit}" if unit else ""
        self._line(f"{name}: {count}{remaining}{f', {note}' if note else ''}")


class TrainingProgress(SearchProgress):
    """Of several trainings one after the other: how long all of them will take."""

    _steps: Mapping[str, int] = {}

    def training_planned(
        self, steps: Mapping[str, int], seconds: float | None, origin: str
    ) -> None:
        self._steps = steps
        super().training_planned(steps, seconds, origin)

    def training(self, data: str, step: int, steps: int, loss: float) -> None:
        if data not in self._steps:  # the end of a supernet's training, which comes first
            super().training(data, step, steps, loss)
            return
        names = list(self._steps)
        before = sum(self._steps[name] for name in names[: names.index(data)])
        note = f"{data} {step:,} of {steps:,}, loss {loss:.3f}"
        self._show("training", before + step, sum(self._steps.values()), note)


def _by_class(balance: Balance) -> str:
    """`60 cat, 40 dog`; of many classes only how many examples each has."""
    if len(balance.classes) > _CLASSES_TOLD:
        few, many = min(balance.counts), max(balance.counts)
        each = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        return f"{balance.images:,} of {len(balance.classes)} classes, {each} of each"
    pairs = zip(balance.counts, balance.classes, strict=True)
    return ", ".join(f"{count:,} {name}" for count, name in pairs)


def _best(best: Evaluation | None) -> str:
    if best is None or best.scores is None:
        return "none fits yet"
    return f"{percent(best.scores.worth)} {best.genome}"
