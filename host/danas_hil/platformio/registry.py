"""What PlatformIO would have to download, and whether it could: told in seconds."""

from __future__ import annotations

import concurrent.futures
import importlib.metadata
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from danas_hil.base import EnvironmentFaultError, read_json
from danas_hil.board import Firmware
from danas_hil.sketch import LIBRARY_VARIABLE

_PATIENCE_SECONDS = 5.0


def check_packages(
    firmware: Firmware, core: Path, libraries: Sequence[str] = (), downloaded: Path | None = None
) -> None:
    """Raises EnvironmentFaultError when packages are missing and there is nowhere to get them from.

    core: PlatformIO's folder. libraries: that the program needs, those of PlatformIO's registry as
    OWNER/NAME@VERSION; downloaded: where they are kept once they came.

    PlatformIO itself would wait a minute for each and then fail without a word.
    """
    missing = []
    if not (core / "packages" / "tool-scons" / "package.json").is_file():
        missing.append("its build tool")
    if not firmware.is_local:
        missing += _missing_of_platform(firmware, core)
    missing += [
        f"the library {library}"
        for library in libraries
        if "://" not in library and not _is_downloaded(library, downloaded)
    ]
    if missing and not registry_answers():
        raise EnvironmentFaultError(
            f"PlatformIO needs {', '.join(missing)}, and its registry does not answer.",
            "Connect this computer once, or copy the folder platformio of a computer that has it"
            f" to {core}. For the library, {LIBRARY_VARIABLE} may name a folder that holds it."
            " Emulated boards of our own need only `pip install scons` and arm-none-eabi-gcc.",
        )


def installed_packages(core: Path) -> dict[str, str]:
    """The versions of platforms and packages in PlatformIO's folder, by the names of theirs."""
    versions = {}
    for kind, manifest in (("platforms", "platform.json"), ("packages", "package.json")):
        for path in sorted((core / kind).glob(f"*/{manifest}")):
            content = read_json(path)
            if isinstance(content, dict):
                versions[f"{kind}/{path.parent.name}"] = str(content.get("version", "unknown"))
    return versions


def _missing_of_platform(firmware: Firmware, core: Path) -> list[str]:
    """The platform, or what it can't do without: a download may have ended in the middle.

    Versions are PlatformIO's to judge: a platform chooses them for each board by code.
    """
    manifests = _versions(core / "platforms", firmware.platform_name, "platform.json")
    if not manifests:
        return [f"the platform {firmware.platform}"]
    packages = read_json(manifests[0], "Delete its folder: PlatformIO will download it anew.")
    needed = [name for name, one in packages.get("packages", {}).items() if not one.get("optional")]
    missing = [name for name in needed if not _versions(core / "packages", name, "package.json")]
    # Which framework a board gets is chosen by code as well.
    frameworks = list((core / "packages").glob("framework-arduino*/package.json"))
    return missing if frameworks else [*missing, "its Arduino framework"]


def _versions(folder: Path, name: str, manifest: str) -> list[Path]:
    """Manifests of what is whole, in any version: in NAME, and others in NAME@VERSION."""
    places = [folder / name, *sorted(folder.glob(f"{name}@*"))]
    return [place / manifest for place in places if (place / manifest).is_file()]


def _is_downloaded(library: str, folder: Path | None) -> bool:
    name = library.partition("@")[0].rpartition("/")[2]
    return folder is not None and (folder / name).is_dir()


def registry_answers(hosts: tuple[str, ...] | None = None) -> bool:
    """Whether any of PlatformIO's registry hosts answers within a few seconds."""
    if hosts is None:
        from platformio import __registry_mirror_hosts__  # type: ignore[import-untyped]

        hosts = tuple(f"https://api.{host}/" for host in __registry_mirror_hosts__)
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=len(hosts))
    asked = [pool.submit(_answers, host) for host in hosts]
    try:
        for done in concurrent.futures.as_completed(asked, timeout=_PATIENCE_SECONDS):
            if done.result():
                return True
    except TimeoutError:
        pass  # a name that is not even looked up in time
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500 and error.code not in (403, 407)  # those are a proxy's
    except OSError:
        return False


def version() -> str:
    """Of PlatformIO."""
    return importlib.metadata.version("platformio")
