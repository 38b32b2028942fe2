"""A PlatformIO that asks nobody for anything it does not need, in a folder of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path

from danas_hil.base import tree_folder, user_folder, write_atomic

# PlatformIO's package that is the SCons of PyPI under another name and number: 4.11.1 is 4.41101.0
# (platformio/dependencies.py, get_core_dependencies).
_TOOL = "tool-scons"


def core_folder() -> Path:
    """PlatformIO's folder for platforms and packages, ours alone, with a build tool in it.

    One folder for all projects, so that what was downloaded or compiled serves them all. Where
    the `scons` of PyPI is installed it is PlatformIO's build tool, which then need not be
    downloaded.
    """
    core = user_folder("platformio")
    _stand_in(core / "packages" / _TOOL)
    return core


def pio_environment() -> dict[str, str]:
    """The environment variables of every PlatformIO process of ours."""
    core = core_folder()
    return {
        "PLATFORMIO_CORE_DIR": str(core),
        "PLATFORMIO_BOARDS_DIR": str(tree_folder("boards")),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_SETTING_CHECK_PRUNE_SYSTEM_THRESHOLD": "0",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
        "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
    }


def _stand_in(folder: Path) -> None:
    """Make the installed `scons` look like PlatformIO's package of it."""
    spec = importlib.util.find_spec("SCons")
    if spec is None or spec.origin is None or (folder / "package.json").is_file():
        return
    major, minor, patch = (int(part) for part in importlib.metadata.version("scons").split(".")[:3])
    version = f"{major}.{major}{minor:02}{patch:02}.0"
    place = str(Path(spec.origin).parents[1])
    script = f"import sys\nsys.path.insert(0, {place!r})\nfrom SCons.Script import main\n\nmain()\n"
    write_atomic(folder / "scons.py", script)
    piopm = {"owner": "platformio", "id": None, "name": _TOOL, "requirements": None, "uri": None}
    record = {"type": "tool", "name": _TOOL, "version": version, "spec": piopm}
    write_atomic(folder / ".piopm", json.dumps(record))
    # Last: its presence says that the rest is there.
    write_atomic(folder / "package.json", json.dumps({"name": _TOOL, "version": version}))
