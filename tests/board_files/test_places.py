"""Boards of the user's: where they are looked for, and what may stand there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from danas_hil.base import DanasError
from danas_hil.board import (
    Figures,
    board_names,
    build_key,
    keep_beside,
    keep_figures,
    learn_from,
    load_board,
    names_file,
    places,
    shipped_names,
    split_address,
)
from danas_hil.cli import show
from danas_hil.cli.app import app
from danas_hil.sketch import environments

MINE = """
name = "{name}"
kind = "real"
core = "cortex-m4f"
clock_hz = 100_000_000
ram_bytes = 131072
flash_bytes = 524288
build = "arduino"
kernels = "cmsis-nn"
source = "its data sheet"

[firmware]
platform = "ststm32@19.6.0"
platformio_id = "nucleo_f411re"
framework = "stm32"
unflags = ["-Os"]

[usb]
application = ["0483:374B"]
"""


class Folders:
    """The three places that a user may describe boards in."""

    def __init__(self, root: Path) -> None:
        self.here = root / "project" / "boards"
        self.user = root / "home" / "boards"
        self.elsewhere = root / "elsewhere"
        for folder in (self.here, self.user, self.elsewhere):
            folder.mkdir(parents=True)

    def write(self, folder: Path, name: str = "mine", text: str = MINE) -> Path:
        path = folder / f"{name}.toml"
        path.write_text(text.format(name=f"In {folder.name} of {folder.parent.name}"))
        return path


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    made = Folders(tmp_path)
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(places, "_named", {})
    monkeypatch.setattr(show, "_told", set())
    return made


def test_a_file_goes_before_the_folder_that_one_stands_in_and_that_before_ones_own(
    folders: Folders,
) -> None:
    assert "mine" not in board_names()
    folders.write(folders.user)
    assert load_board("mine").name == "In boards of home"
    folders.write(folders.here)
    assert load_board("mine").name == "In boards of project"
    assert load_board("mine").file == "boards/mine.toml"
    path = folders.write(folders.elsewhere)
    assert load_board(str(path)).name == f"In elsewhere of {folders.elsewhere.parent.name}"
    assert load_board("mine").file == str(path), "what was named stands for its id from then on"
    assert "mine" in board_names()
    assert "mine" not in shipped_names()
    assert load_board("nano33ble").file == ""


@pytest.mark.parametrize("place", ["here", "user", "elsewhere"])
def test_a_shipped_name_elsewhere_is_an_error_that_names_both_files(
    folders: Folders, place: str, root: Path
) -> None:
    path = folders.write(getattr(folders, place), "nano33ble")
    name = str(path) if place == "elsewhere" else "nano33ble"
    with pytest.raises(DanasError, match="has the name of a board that is shipped") as caught:
        load_board(name)
    assert f"{'boards/nano33ble.toml' if place == 'here' else path}" in caught.value.what
    assert str(root / "boards" / "nano33ble.toml") in caught.value.what
    assert load_board("qemu-m4"), "others are what they were"


def test_the_shipped_folder_may_be_the_one_that_one_stands_in(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    assert load_board("nano33ble").file == ""
    assert load_board("boards/nano33ble.toml") == load_board("nano33ble")


def test_a_copy_of_a_shipped_file_is_the_shipped_board(folders: Folders, root: Path) -> None:
    """As in a source tree that an installed danas-hil is used in."""
    text = (root / "boards" / "nano33ble.toml").read_text(encoding="utf-8")
    for folder in (folders.here, folders.elsewhere):
        folder.mkdir(exist_ok=True)
        (folder / "nano33ble.toml").write_text(text, encoding="utf-8")
    assert load_board("nano33ble").file == ""
    assert load_board(str(folders.elsewhere / "nano33ble.toml")) == load_board("nano33ble")


def test_two_files_of_one_name_are_not_mixed_up(folders: Folders) -> None:
    load_board(str(folders.write(folders.elsewhere)))
    with pytest.raises(DanasError, match="are both called mine"):
        load_board(str(folders.write(folders.user)))


def test_what_is_learned_of_two_boards_of_one_name_is_kept_apart(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of ./boards in two projects; a board that is renamed or has more RAM is the same one."""
    folders.write(folders.here)
    one = load_board("mine")
    key = build_key(one.build, one.kernels, one.toolchain)
    keep_figures(one.kept_as, key, Figures(1000, 200, 300, None, "a build"))
    assert load_board("mine").stack_bytes is not None
    folders.write(folders.here, text=MINE.replace("131072", "262144").replace("{name}", "New"))
    assert load_board("mine").stack_bytes is not None
    folders.write(folders.here, text=MINE.replace("100_000_000", "80_000_000"))
    assert load_board("mine").stack_bytes is None
    folders.write(folders.here, text=MINE.replace("19.6.0", "19.7.0"))
    assert load_board("mine").kept_as != one.kept_as
    assert load_board("nano33ble").kept_as == "nano33ble"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"ststm32@19.6.0"', '"platforms/qemu"', "the local platform 'platforms/qemu'"),
        ('"ststm32@19.6.0"', '"symlink://../evil"', "is not PlatformIO's NAME@VERSION"),
        ('"ststm32@19.6.0"', '"https://evil.example/x.zip"', "is not PlatformIO's NAME@VERSION"),
        ('"ststm32@19.6.0"', '"evil/ststm32@19.6.0"', "is not PlatformIO's NAME@VERSION"),
        ('"ststm32@19.6.0"', '"ststm32"', "is not PlatformIO's NAME@VERSION"),
        ('["0483:374B"]', '["0483:374B"]\nupload_flags = ["-c", "shell"]', "the upload flags"),
        ('["-Os"]', '["-Os"]\nflags = ["-fplugin=./evil.so"]', "the compiler flag '-fplugin"),
        ('["-Os"]', '["-Os"]\nflags = ["-B./evil"]', "the compiler flag '-B./evil'"),
        ('["-Os"]', '["-Os"]\nflags = ["-Wl,--plugin=x"]', "the compiler flag '-Wl,"),
        ('["-Os"]', '["-Os"]\nflags = ["-specs=x"]', "the compiler flag '-specs=x'"),
        ('["-Os"]', '["-Os"]\noptimisation = "-O2 -wrapper x"', "the compiler flag '-O2 "),
    ],
)
def test_the_folder_that_one_stands_in_runs_nothing_on_this_computer(
    folders: Folders, old: str, new: str, told: str
) -> None:
    text = MINE.replace(old, new)
    path = folders.write(folders.here, text=text)
    for name in ("mine", str(path)):
        with pytest.raises(DanasError) as caught:
            load_board(name)
        assert told in caught.value.what
        assert "boards/ of the user folder" in caught.value.hint
    path.unlink()
    places._named.clear()
    folders.write(folders.user, text=text)
    assert load_board("mine").firmware is not None, "one's own folder is trusted"


def test_a_board_kept_beside_a_run_of_format_1_is_learnt(folders: Folders) -> None:
    """Its build was called a runtime."""
    folders.write(folders.elsewhere, text=MINE.replace("build =", "runtime ="))
    learn_from(folders.elsewhere, "mine")
    assert load_board("mine").build == "arduino"
    folders.write(folders.user, "other", MINE.replace("build =", "runtime ="))
    with pytest.raises(DanasError, match="a board has no 'runtime'"):
        load_board("other")


def test_a_link_in_the_folder_that_one_stands_in_is_a_file_there(folders: Folders) -> None:
    text = MINE.replace('"ststm32@19.6.0"', '"platforms/qemu"')
    link = folders.here / "mine.toml"
    link.symlink_to(folders.write(folders.elsewhere, "other", text))
    for name in (str(link), "mine", "boards/mine.toml", str(link), "mine"):
        with pytest.raises(DanasError, match="names the local platform"):
            load_board(name)


def test_a_platform_without_an_owner_is_platformios_there(folders: Folders) -> None:
    folders.write(folders.here)
    firmware = load_board("mine").firmware
    assert firmware is not None
    assert firmware.platform == "platformio/ststm32@19.6.0"
    assert firmware.platform_name == "ststm32"


def test_harmless_flags_are_for_all(folders: Folders) -> None:
    flags = ["-DX", "-DX=1.5", "-Os", "-mcpu=cortex-m4", "-ffast-math", "-Wall", "-std=gnu++17"]
    text = MINE.replace('["-Os"]', f'["-Os"]\nflags = {json.dumps(flags)}')
    folders.write(folders.here, text=text)
    firmware = load_board("mine").firmware
    assert firmware is not None
    assert firmware.flags == tuple(flags)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"nucleo_f411re"', '"../../evil"', "platformio_id = '../../evil' can't be"),
        ('"stm32"', '"stm32"\nserial_object = "Serial; system(1)"', "serial_object = "),
        ('["-Os"]', '["-Os"]\nflags = ["!rm -rf x"]', "'!rm -rf x' is no flag of a compiler"),
        ('["-Os"]', '["-Os"]\noptimisation = "O2"', "'O2' is no flag of a compiler"),
        ('["-Os"]', '["-Os"]\nserial_baud = 0', "serial_baud or receive_bytes is out of range"),
        ("100_000_000", "0", "clock_hz = 0 is out of range"),
        ("100_000_000", "-1", "clock_hz = -1 is out of range"),
        ("100_000_000", "nan", "nan"),
        ("131072", "99999999999999", "ram_bytes = 99999999999999 is out of range"),
        ('"its data sheet"', '"its\\u0007 sheet"', "source is no plain text of one line"),
        ('"{name}"', '" "', "name is empty"),
        ('"{name}"', '"[/red]"', "name = '[/red]' has square brackets"),
        ('"real"', '"emulated"', "kind = 'emulated' and [firmware] emulator do not go together"),
        ('"real"', '"host"', "this computer, which has a board already"),
        ("[firmware]\n", "firmware = 3\n[x]\n", "firmware = 3 is no table"),
    ],
)
def test_what_can_not_be_is_told_with_its_file(
    folders: Folders, old: str, new: str, told: str
) -> None:
    path = folders.write(folders.user, text=MINE.replace(old, new, 1))
    with pytest.raises(DanasError) as caught:
        load_board("mine")
    assert told in caught.value.what
    assert str(path) in caught.value.what


@pytest.mark.parametrize("name", ["classes", "mine board", ".mine", "m" * 49])
def test_what_is_no_id_is_no_name_for_a_file(folders: Folders, name: str) -> None:
    path = folders.write(folders.elsewhere, name)
    with pytest.raises(DanasError, match="is no name for a board's file"):
        load_board(str(path))
    folders.write(folders.here, name)
    assert name not in board_names()


def test_an_address_may_be_a_file_and_a_place(folders: Folders) -> None:
    path = folders.write(folders.elsewhere)
    assert split_address(str(path))[1] is None
    assert split_address(f"{path}@7E1A")[1] == "7E1A"
    board, place = split_address(f"{path}@socket://u@h:1")
    assert (board.id, place) == ("mine", "socket://u@h:1")
    odd = folders.elsewhere / "a@b"
    odd.mkdir()
    (odd / "other.toml").write_text(MINE.format(name="x"))
    assert split_address(f"{odd}/other.toml@9F")[0].id == "other"
    with pytest.raises(DanasError, match="lacks what comes after the @"):
        split_address(f"{path}@")
    assert names_file("x/mine") is names_file("mine.toml") is True
    assert not names_file("mine")


def test_a_measured_board_is_known_where_only_the_measurement_is_left(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folders.write(folders.elsewhere)
    load_board(str(path))
    for board in ("mine", "nano33ble", "gone"):
        keep_beside(tmp_path / "measured", board)
    assert [file.name for file in (tmp_path / "measured").iterdir()] == ["mine.toml"]
    path.unlink()
    monkeypatch.setattr(places, "_named", {})
    assert "mine" not in board_names()
    learn_from(tmp_path / "measured", "mine")
    assert load_board("mine").limits.ram_bytes == 131072


def invoke(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == status, done.output
    return done.output


def test_a_broken_file_keeps_no_other_board_from_being_listed(folders: Folders) -> None:
    folders.write(folders.here, "broken", "name = ")
    folders.write(folders.user)
    told = invoke("boards", "list")
    assert "broken.toml can't be read" in told
    assert "nano33ble" in told
    assert f"mine is described in {folders.user / 'mine.toml'}" in " ".join(told.split())
    invoke("boards", "scan")


def test_platformio_ini_is_of_the_boards_that_are_shipped(folders: Folders) -> None:
    before = environments()
    folders.write(folders.user)
    folders.write(folders.here, "other")
    assert environments() == before


def test_each_command_tells_where_a_board_of_the_users_is_described(
    folders: Folders, tmp_path: Path
) -> None:
    from board.small_model import small_model

    model = tmp_path / "small.tflite"
    model.write_bytes(small_model())
    path = folders.write(folders.elsewhere)
    told = CliRunner().invoke(app, ["estimate", str(model), "--board", str(path)])
    assert f"Board mine: {path}" in " ".join(told.stderr.split()), told.output
    assert "Board " not in told.stdout.splitlines()[0]
    show._told.clear()
    told = CliRunner().invoke(app, ["estimate", str(model), "--board", "nano33ble"])
    assert "Board nano33ble" not in told.stderr
    assert json.loads(invoke("boards", "show", str(path), "--json"))["file"] == str(path)


def test_a_board_is_shown_in_words_and_figures() -> None:
    told = " ".join(invoke("boards", "show", "nano33ble").split())
    assert "firmware unflags -Os -mfloat-abi=soft" in told
    share = load_board("nano33ble").framework_flash_bytes
    assert share is not None
    band = f"({share.least:,} to {share.most:,})"
    assert f"framework flash bytes {share.bytes:,} {band}: {share.source}" in told
    assert not set("{}'") & set(told.replace("thread's", ""))
