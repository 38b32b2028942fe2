"""What PlatformIO would have to download, and whether it could: told in seconds."""

from __future__ import annotations

import concurrent.futures
import importlib.metadata
import urllib.error
import urllib.request
from pathlib import Path

from danas_hil.base import DanasError
from danas_hil.board import Firmware

_PATIENCE_SECONDS = 5.0


def check_packages(firmware: Firmware, core: Path) -> None:
    """Raises DanasError when packages are missing and there is nowhere to get them from.

    PlatformIO itself would wait a minute for each and then fail without a word.
    """
    missing = []
    if not (core / "packages" / "tool-scons" / "package.json").is_file():
        missing.append("its build tool")
    platform = core / "platforms" / firmware.platform_name
    if not firmware.is_local and not platform.is_dir():
        missing.append(f"the platform {firmware.platform}")
    if missing and not registry_answers():
        raise DanasError(
            f"PlatformIO needs {' and '.join(missing)}, and its registry does not answer.",
            "Connect this computer once, or copy the folder platformio of a computer that has it"
            f" to {core}. Emulated boards need only `pip install scons` and arm-none-eabi-gcc.",
        )


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
