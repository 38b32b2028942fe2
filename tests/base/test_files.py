import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from danas_hil.base import (
    DanasError,
    atomic_path,
    read_json,
    tree_folder,
    user_folder,
    write_atomic,
    write_json,
)


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "note.txt"
    write_atomic(file, "größe")
    assert file.read_bytes() == "größe".encode()
    write_atomic(file, b"\x00\xff")
    assert file.read_bytes() == b"\x00\xff"
    assert list(file.parent.iterdir()) == [file]


def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    write_atomic(file, "old")

    def write_half() -> None:
        with atomic_path(file) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_half()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_never_sees_half_a_file_after_kill_9(tmp_path: Path) -> None:
    file = tmp_path / "front.json"
    write_atomic(file, "old")
    program = (
        "import os, signal, sys, pathlib\n"
        "from danas_hil.base import atomic_path\n"
        "with atomic_path(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(file)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert file.read_text() == "old"


def test_the_temporary_file_is_beside_the_target_and_keeps_its_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "weights.npz") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".npz"
        temporary.write_bytes(b"x")


def test_a_file_gets_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "file", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    value = {"a": [1, 2.5, None, True], "b": {"c": "ü"}}
    write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json") == value


def test_nan_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    write_json(file, 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(file, float("nan"))
    assert read_json(file) == 1


def test_missing_and_damaged_json_name_the_file_and_the_hint(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    with pytest.raises(DanasError, match=r"no file .*file\.json.* Run it again\."):
        read_json(file, "Run it again.")
    for damaged in (b"{", b"", b"\xff\xfe"):
        file.write_bytes(damaged)
        with pytest.raises(DanasError, match=r"file\.json can't be read.* Run it again\."):
            read_json(file, "Run it again.")


@pytest.mark.parametrize("name", ["boards", "templates", "firmware"])
def test_folders_of_the_tree_are_found(name: str, root: Path) -> None:
    assert tree_folder(name) == root / name
    assert any(tree_folder(name).iterdir())


def test_the_environment_moves_the_folders_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANAS_HIL_HOME", str(tmp_path / "home"))
    assert user_folder("locks") == tmp_path / "home" / "locks"
    assert user_folder("locks").is_dir()
    monkeypatch.delenv("DANAS_HIL_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert user_folder("locks").is_relative_to(tmp_path / "cache")


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"  # as root, a device would go as well
    os.mkfifo(pipe)
    with pytest.raises(DanasError, match="is a device or a pipe"), atomic_path(pipe):
        raise AssertionError("it was not refused")
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_among_the_devices_is_not_replaced(tmp_path: Path) -> None:
    """`--html /dev/stdout >page.html` leads to a file, and the link is the whole computer's."""
    link = Path("/dev/stdout")
    for place in (link, Path("/dev/danas-hil-page.html")):
        with pytest.raises(DanasError, match="is a device or a pipe"), atomic_path(place):
            raise AssertionError("it was not refused")
    assert link.is_symlink()
    target, elsewhere = tmp_path / "target", tmp_path / "link"
    target.write_text("kept")
    elsewhere.symlink_to(target)
    write_atomic(elsewhere, "new")
    assert (target.read_text(), elsewhere.read_text()) == ("kept", "new")
