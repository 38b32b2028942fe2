import contextlib
import os
import resource
import threading
import time
from pathlib import Path

import pytest

from danas_hil.base import (
    DanasError,
    check_file,
    read_arrays,
    read_bytes,
    read_json,
    read_text,
    read_toml,
    reading,
)


def test_a_file_is_read_whole_up_to_its_limit_and_refused_beyond(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"1234")
    assert read_bytes(file, 4) == b"1234"
    with pytest.raises(DanasError, match=r"model\.tflite is larger than 3 bytes.* Try another\."):
        read_bytes(file, 3, "Try another.")
    file.write_bytes(b"")
    assert read_bytes(file, 0) == b""


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused_by_name_before_it_is_opened(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path(device).exists():
        pytest.skip(f"there is no {device}")
    link = tmp_path / "model.tflite"
    link.symlink_to(device)
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(DanasError, match=r"model\.tflite is a device, not a file"):
        read_bytes(link, 10)


def test_an_endless_file_costs_no_more_than_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "sparse.json"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DanasError, match="larger than 1,000 bytes"):
        read_bytes(file, 1000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_folders_and_missing_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DanasError, match=r"is a folder\. Give a file\."):
        read_bytes(tmp_path, 10, "Give a file.")
    with pytest.raises(DanasError, match=r"There is no file .*gone\. Give a file\."):
        read_text(tmp_path / "gone", "Give a file.")
    with pytest.raises(DanasError, match="can't be read"):
        read_bytes(Path("zero\0byte"), 10)


def test_a_pipe_that_nobody_writes_to_ends_by_a_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PIPE_SECONDS", 0.2)
    pipe = tmp_path / "pipe.tflite"
    os.mkfifo(pipe)
    started = time.monotonic()
    with pytest.raises(DanasError, match=r"Waited 0\.2 s for .*pipe\.tflite"):
        read_bytes(pipe, 10)
    assert time.monotonic() - started < 5


def test_what_is_written_to_a_pipe_is_read_up_to_its_limit(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write(content: bytes) -> None:
        with contextlib.suppress(BrokenPipeError), pipe.open("wb", buffering=0) as file:
            file.write(content)

    for content, limit in ((b"x" * 200_000, 200_000), (b"y" * 200_000, 1000)):
        writer = threading.Thread(target=write, args=(content,), daemon=True)
        writer.start()
        if len(content) <= limit:
            assert read_bytes(pipe, limit) == content
        else:
            with pytest.raises(DanasError, match="larger than 1,000 bytes"):
                read_bytes(pipe, limit)
        writer.join(5)
        assert not writer.is_alive()


def test_json_and_toml_that_are_none_are_told_with_their_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b"\xff\xfe\x00", b"[" * 100_000, b"{", b"9" * 5000):
        file.write_bytes(content)
        with pytest.raises(DanasError, match="file can't be read"):
            read_json(file)
    for content in (b"\xff", b"a = [" + b"[" * 50_000, b"a = "):
        file.write_bytes(content)
        with pytest.raises(DanasError, match="file can't be read"):
            read_toml(file)


def test_what_libraries_open_themselves_is_a_file_on_disk(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.npz", tmp_path / "device.npz"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for place, told in ((pipe, "is a pipe"), (device, "is a device"), (tmp_path, "is a folder")):
        with pytest.raises(DanasError, match=told):
            check_file(place)
        with pytest.raises(DanasError, match=told):
            read_arrays(place, "The file")
    with pytest.raises(DanasError, match=r"There is no file .*gone"):
        check_file(tmp_path / "gone")
