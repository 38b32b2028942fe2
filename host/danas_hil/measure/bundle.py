"""What a person with a board attaches to a report: one file, with nothing in it that is theirs."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import re
import socket
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from danas_hil.base import DanasError, atomic_path, tree_folder, user_folder
from danas_hil.board import HARDWARE_MAP_VARIABLE, connected_ports, read_hardware_map

_LOG_BYTES = 200_000  # of the end of each log
_README = """What danas-hil knows of a board and of the computer at it, for a report of a fault.

report.json   versions, the board's file, what its self-test showed, what builds told
*.log         the ends of what compiler, uploader, board and emulator printed

Names of user and computer, serial numbers and folders are replaced by words in <>.
Look through it before you send it.
"""
_PART = r"[^\s:;,'\"`()\[\]{}*?|<>]"
# From the root or a drive, also behind an option such as -I, or below a folder that is the user's.
# The path of a URL has a letter before it.
_PATH = re.compile(
    rf"(?:(?:(?<![\w.~/\\<>-])|(?<=-[A-Za-z]))(?!//)(?:[A-Za-z]:[\\/]|/)|<(?:home|here)>[\\/])"
    rf"{_PART}*"
)
_QUOTED_PATH = re.compile(r"(?<=')(?:[A-Za-z]:[\\/]|/|<(?:home|here)>[\\/])[^'\n]*(?=')")
_DEVICE = re.compile(r"/dev/(?:tty|cu|serial|bus|pts)")
_URL_HOST = re.compile(r"(?<=://)[^\s/:'\"]+")
_SERIAL = re.compile(r"(?<=\bSER=)\S+|(?<=adapter serial )\w+", re.IGNORECASE)


class Anonymiser:
    """Replaces what tells who and where somebody is.

    words: what else is theirs, each with the name that stands for it, such as serial numbers.
    """

    def __init__(self, words: Mapping[str, str] | None = None) -> None:
        known = {**dict.fromkeys(_users(), "user"), **dict.fromkeys(_hosts(), "host")}
        known |= _serial_numbers() | dict(words or {})
        self._words = {word.lower(): name for word, name in known.items() if word}
        longest = sorted(self._words, key=len, reverse=True)
        # A word of letters and digits on its own, for a short name is a part of many others.
        either = "|".join(re.escape(word) for word in longest)
        self._any = re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])", re.IGNORECASE)
        self._folders = _folders()

    def clean(self, text: str) -> str:
        for folder, name in self._folders:
            # The folder itself or what is in it, and no other that begins alike.
            text = re.sub(rf"{re.escape(folder)}(?![^\s/\\:;,'\")\]])", f"<{name}>", text)
        for path in (_QUOTED_PATH, _PATH):
            text = path.sub(_without_folders, text)
        text = _URL_HOST.sub("<host>", text)
        text = _SERIAL.sub("<serial>", text)
        if not self._words:
            return text
        return self._any.sub(lambda found: f"<{self._words[found[0].lower()]}>", text)

    def clean_all(self, value: Any) -> Any:
        """A value of JSON, with every text in it cleaned."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            return {self.clean(str(key)): self.clean_all(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean_all(one) for one in value]
        return value


def write_bundle(
    path: Path, report: Mapping[str, Any], logs: Iterable[Path], words: Mapping[str, str]
) -> None:
    """Write `report` and the ends of `logs`, as far as there are any, to the ZIP file `path`.

    words: Anonymiser's. Raises DanasError where it can't be written.
    """
    anonymiser = Anonymiser(words)
    about = {"computer": _computer(), **report}
    try:
        with (
            atomic_path(path) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as bundle,
        ):
            bundle.writestr("README.txt", _README)
            cleaned = anonymiser.clean_all(about)
            bundle.writestr("report.json", json.dumps(cleaned, indent=2) + "\n")
            for log in logs:
                if log.is_file():
                    text = log.read_bytes()[-_LOG_BYTES:].decode("utf-8", "replace")
                    bundle.writestr(log.name, anonymiser.clean(text))
    except OSError as error:
        raise DanasError(f"{path} can't be written: {error.strerror}.") from error


def _computer() -> dict[str, str]:
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "c_library": " ".join(platform.libc_ver()).strip(),
    }


def _users() -> set[str]:
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")}
    names.add(Path.home().name)
    try:
        names.add(getpass.getuser())
        import pwd

        whole = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
        names |= {whole, *(part for part in whole.split() if len(part) > 2)}
    except (ImportError, KeyError, OSError):
        pass
    return {name for name in names if name}


def _hosts() -> set[str]:
    names = {socket.gethostname(), platform.node(), os.environ.get("HOSTNAME", "")}
    names |= {name.partition(".")[0] for name in names}
    return {name for name in names if name and name != "localhost"}


def _serial_numbers() -> dict[str, str]:
    """Of all that is connected or stands in the user's hardware map, each with a number."""
    numbers = [port.serial_number for port in connected_ports() if port.serial_number]
    hardware_map = os.environ.get(HARDWARE_MAP_VARIABLE)
    if hardware_map:
        with contextlib.suppress(DanasError):  # a damaged one tells nothing, here as well
            numbers += [entry.id for entry in read_hardware_map(Path(hardware_map)) if entry.id]
    return {one: f"serial {at}" for at, one in enumerate(dict.fromkeys(numbers), 1)}


def _folders() -> list[tuple[str, str]]:
    """Folders by what is in them, the longest first: one may lie in another."""
    folders = {
        str(user_folder(".").resolve()): "user folder",
        str(tree_folder("boards").resolve().parent): "danas-hil",
        str(Path.cwd()): "here",
        tempfile.gettempdir(): "temporary",
        str(Path.home()): "home",
    }
    known = [(folder, name) for folder, name in folders.items() if len(folder) > 1]
    return sorted(known, key=lambda one: len(one[0]), reverse=True)


def _without_folders(found: re.Match[str]) -> str:
    """The last part of a path; devices stay, because they say what a port is."""
    path = found[0]
    if _DEVICE.match(path) or len(path.strip("/\\")) == 0:
        return path
    last = re.split(r"[\\/]", path.rstrip("/\\"))[-1]
    return last if last.startswith("<") else f"<path>/{last}"
