"""Names come from files, devices and other computers: they are printed, never obeyed."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.panel import Panel

from danas_hil import cli
from danas_hil.base import DanasError
from danas_hil.cli import memory, show
from danas_hil.cli.show import console, error_out, note, say, table, wrapped
from danas_hil.estimate.lines import Line

EVIL = "[red]x[/red] [link=http://e]y[/] :smile: \x1b[2J\x1b]0;t\x9b31m\u202egnp.exe"
TOLD = "[red]x[/red] [link=http://e]y[/] :smile: \\x1b[2J\\x1b]0;t\\x9b31m\\u202egnp.exe"


def shown(show_it: Callable[[], None], *, on_terminal: bool) -> str:
    """What is written, without what Rich itself writes to a terminal in bold and italics."""
    stream = io.StringIO()
    stream.isatty = lambda: on_terminal  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("COLUMNS", "200"), ("TERM", "xterm-256color"), ("NO_COLOR", "1")):
            patch.setenv(name, value)
        patch.setattr("sys.stdout", stream)
        patch.setattr("sys.stderr", stream)
        show_it()
    written = stream.getvalue()
    for ours in ("\x1b[1m", "\x1b[0m", "\x1b[3m"):
        written = written.replace(ours, "")
    return written


def wide_table() -> None:
    out = console()
    out.width = 400
    out.print(table((EVIL, ">" + EVIL), [(EVIL, 1)], EVIL))
    out.print(Panel("x", title="\x1b[31mred"))


WAYS: dict[str, Callable[[], None]] = {
    "a line": lambda: say(EVIL),
    "a note": lambda: note(EVIL, style="bold"),
    "an error": lambda: error_out(DanasError(EVIL, EVIL)),
    "a table": wide_table,
}


@pytest.mark.parametrize("on_terminal", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_text_is_printed_as_it_is_whatever_it_says(way: str, on_terminal: bool) -> None:
    written = shown(WAYS[way], on_terminal=on_terminal)
    assert TOLD in written
    assert all(one.isprintable() or one == "\n" for one in written), repr(written)


def test_names_that_no_encoding_has_are_spelt_out() -> None:
    assert show.printable("a\udc80b\tc\n") == "a\\udc80b\tc\n"
    assert show.printable("größe 写真 🙂") == "größe 写真 🙂"


def test_nothing_is_escaped_for_what_prints_text_as_it_is() -> None:
    """`say` and `note` know no markup: a backslash of `escape` would be printed."""
    for file in Path(cli.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("say", "note"):
                inside = [getattr(one, "id", "") for one in ast.walk(call)]
                assert "escape" not in inside, f"{file.name}:{call.lineno}"


def test_bars_are_of_signs_that_the_output_has(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line("model", 512, "its file")
    for encoding, signs in (("utf-8", "█░"), ("ascii", "#.")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        bar = memory._bar("flash", (line,), 1024).plain
        assert bar.count(signs[0]) == bar.count(signs[1]) == 15


def test_lines_that_are_piped_have_80_columns_and_what_is_to_be_copied_stays_whole() -> None:
    words = "Limits: RAM 256 kB, flash 960 kB (Arduino Nano 33 BLE Sense), for the whole firmware. "
    path = "/media/" + "photos-of-the-porch/" * 5 + "runs/porch"
    command = f"danas-hil flash {path} --board nano33ble"
    written = shown(
        lambda: say(words * 2, f"  Kept in {path}.", f"Next: {command}"), on_terminal=False
    )
    lines = written.splitlines()
    assert " ".join(lines[:3]) == (words * 2).strip()
    assert lines[3:] == ["  Kept in", f"  {path}.", "Next:", command]
    assert max(map(len, lines[:3])) <= 80
    assert shown(lambda: note(words), on_terminal=True).splitlines() == [words.strip()]


def test_a_line_that_fits_is_left_as_it_is() -> None:
    for line in ("", "  sha256  0f", "a  b\n\n  c", "x" * 80):
        assert wrapped(line, 80) == line


def test_a_table_that_is_too_wide_loses_nothing() -> None:
    names = ["data-aware-with-a-name-that-is-too-long-for-it", "9" * 60]
    written = shown(lambda: console().print(table(("a", ">b"), [names])), on_terminal=False)
    assert max(map(len, written.splitlines())) <= 80
    columns = zip(*(line.split() for line in written.splitlines()[1:3]), strict=True)
    assert ["".join(parts) for parts in columns] == names
