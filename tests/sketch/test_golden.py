"""What is rendered, word for word, for one board of each class.

After a change that is meant: `python tests/sketch/test_golden.py` writes the files anew; their
difference is to be read before it is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from danas_hil.base import DanasError, tree_folder
from danas_hil.board import load_board
from danas_hil.sketch import LIBRARY_VARIABLE, SelfTest, render_selftest, render_tflm

GOLDEN = Path(__file__).parent / "golden"
BOARDS = ("nano33ble", "nucleo_f746zg", "qemu-m4")
HOSTILE = 'é"; system("x"); // \\ ??/ @1 {{ 7*7 }}\n#error %s'
OPERATORS = ("CONV_2D", "FULLY_CONNECTED", "SOFTMAX")


def rendered(name: str) -> dict[str, str]:
    """The generated files, without what stands for the whole of the firmware or for a place."""
    board = load_board(name)
    profiled = 3 if board.kind == "emulated" else 0
    tflm = render_tflm(board, HOSTILE, bytes(range(70)), OPERATORS, 12_352, profiled=profiled)
    selftest = render_selftest(board, SelfTest.make())
    firmware = {f"src/{file.name}" for file in tree_folder("firmware").iterdir()}
    files = {
        f"{sketch.kind}-{Path(path).name}": text.replace(sketch.identity, "IDENTITY").replace(
            str(tree_folder("platforms")), "PLATFORMS"
        )
        for sketch in (tflm, selftest)
        for path, text in sketch.files.items()
        if path not in firmware
    }
    return {name: text for name, text in files.items() if not name.startswith("selftest-main")}


@pytest.mark.parametrize("name", BOARDS)
def test_what_is_rendered_is_what_was_looked_at(name, monkeypatch):
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    kept = {file.name: file.read_text(encoding="utf-8") for file in (GOLDEN / name).iterdir()}
    assert rendered(name) == kept


def test_a_hostile_name_stays_one_string_of_the_program(monkeypatch):
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    files = rendered("nucleo_f746zg")
    (line,) = (line for line in files["tflm-model.cpp"].splitlines() if "system" in line)
    assert line.count('"') == 8  # of four strings: identity, board, name, library
    for name, text in files.items():
        assert "\n#error" not in text
        assert name == "tflm-model.cpp" or "system" not in text


@pytest.mark.parametrize("sign", ["${sysenv.HOME}", "a\nupload_command = x", "a ; b"])
def test_a_folder_that_would_say_something_in_the_settings_is_refused(sign, monkeypatch, tmp_path):
    folder = tmp_path / sign
    folder.mkdir(parents=True)
    (folder / "library.properties").write_text("name=x\nversion=1\n")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(folder))
    with pytest.raises(DanasError, match=r"can't stand in platformio\.ini"):
        render_tflm(load_board("qemu-m4"), "m", b"", OPERATORS, 64)


if __name__ == "__main__":
    os.environ.pop(LIBRARY_VARIABLE, None)
    for board in BOARDS:
        (GOLDEN / board).mkdir(parents=True, exist_ok=True)
        for file, text in rendered(board).items():
            (GOLDEN / board / file).write_text(text, encoding="utf-8")
