"""Optional dependencies: imported where they are used, with a message that says what to install."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from danas_hil.base.capture import captured_stderr
from danas_hil.base.errors import DanasError


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, which the optional extra `extra` installs.

    What libraries print as they start goes nowhere. Raises DanasError naming the extra when the
    module is not installed. A module that is installed but broken raises its own error: that is
    not a missing extra.
    """
    try:
        if module in sys.modules:  # perhaps half imported by another thread: import waits for it
            return importlib.import_module(module)
        with captured_stderr():
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise DanasError(
            f"This needs {module.split('.')[0]}, which is not installed.",
            f"Install it with: pip install 'danas-hil[{extra}]'",
        ) from error
