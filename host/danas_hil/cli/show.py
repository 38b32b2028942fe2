"""What all commands share in showing things: consoles, tables, JSON, sizes and durations."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from danas_hil.base import DanasError
from danas_hil.board import Board

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def picked(count: int) -> str:
    """`The 3 picks`, `The pick`."""
    return "The pick" if count == 1 else f"The {count:,} picks"


def printable(text: str) -> str:
    """`text` with what would move a cursor, change a colour or turn the direction spelt out."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


class _Plain(Console):
    """Names come from files, devices and other computers: none of them speaks to the terminal.

    What Rich itself sends there is in the style of a segment, or is a segment of control.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text), style)


def console(error: bool = False) -> Console:
    """Standard output, or standard error; plain and 80 columns wide when not a terminal."""
    stream = sys.stderr if error else sys.stdout
    return _Plain(stderr=error, width=None if stream.isatty() else 80, highlight=False)


def can_print(signs: str) -> bool:
    """Whether standard output has these signs."""
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


_COMMAND = re.compile(r"danas-hil [a-z].*$")
_JOINT = "\0"  # joins the words of a command; what is printable has none


def wrapped(text: str, width: int) -> str:
    """`text` in lines of at most `width` columns, broken between words.

    What is to be copied stays whole, however long: a path, and a command at the end of a line.
    """
    lines: list[str] = []
    for line in printable(text).split("\n"):
        joined = _COMMAND.sub(lambda found: found[0].replace(" ", _JOINT), line)
        lines += textwrap.wrap(
            joined,
            width,
            subsequent_indent=line[: len(line) - len(line.lstrip())],
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines).replace(_JOINT, " ")


def print_line(out: Console, text: str, style: str | None = None) -> None:
    """`text` on `out`, wrapped to its width; nothing in it is taken for markup."""
    out.print(wrapped(text, out.width), soft_wrap=True, markup=False, emoji=False, style=style)


def say(*lines: str) -> None:
    """Lines of text to standard output."""
    out = console()
    for line in lines:
        print_line(out, line)


def note(*lines: str, style: str | None = None) -> None:
    """Lines for the person, not for the pipe: to standard error."""
    out = console(error=True)
    for line in lines:
        print_line(out, line, style)


_told: set[str] = set()


def tell_board(board: Board) -> Board:
    """Tell where a board is described that is none of those shipped; the board itself."""
    if board.file and board.file not in _told:
        _told.add(board.file)
        note(f"Board {board.id}: {board.file}")
    return board


def error_out(error: DanasError) -> None:
    """What happened, and what to do about it, to standard error."""
    out = console(error=True)
    out.print(Text.assemble(("Error:", "bold red"), " ", error.what), soft_wrap=True)
    if error.hint:
        out.print(Text(f"       {error.hint}"), soft_wrap=True)


def print_json(value: Any) -> None:
    """JSON to standard output. NaN is refused: it is not JSON."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> Table:
    """A plain table; columns whose name starts with `>` are right-aligned."""
    grid = Table(title=Text(title) if title else None, title_justify="left", box=None)
    grid.pad_edge = False
    for column in columns:
        grid.add_column(
            Text(column.lstrip(">")),
            justify="right" if column.startswith(">") else "left",
            overflow="fold",  # where there is no room a name goes on in the next line
        )
    for row in rows:
        grid.add_row(*(Text(str(cell)) for cell in row))
    return grid


def format_duration(seconds: float) -> str:
    """`45 s`, `12 min`, `1 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def milliseconds_title(band: float) -> str:
    """Of a column of times. band: of estimates that no times of the board stand behind."""
    return f">ms ±{100 * band:.0f} %" if band else ">ms"


def milliseconds(microseconds: float | None) -> str:
    """Three digits for a column `ms`; `-` where it is not known."""
    if microseconds is None:
        return "-"
    value = microseconds / 1000
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def latency_note(source: str, complete: bool) -> list[str]:
    """What a column `ms` holds; nothing where there is none."""
    lacking = "" if complete else "; without operators that were never timed"
    told = source if source.startswith("estimated") else f"estimated ({source})"
    return [f"ms: one inference, {told}{lacking}."] if source else []


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
