"""The folder that DANAS_CORES wants, made of links to what PlatformIO has installed.

`python tests/cores/from_platformio.py FOLDER`: with the platforms, packages and libraries of the
home that DANAS_HIL_HOME names, after builds for a Nano and an STM32.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# By the names of their repositories; PlatformIO's Nano package brings the Arduino API along.
PLACES = {
    "ArduinoCore-mbed": "platformio/packages/framework-arduino-mbed",
    "ArduinoCore-API": "platformio/packages/framework-arduino-mbed/cores/arduino",
    "Arduino_Core_STM32": "platformio/packages/framework-arduinoststm32",
    "CMSIS_6": "platformio/packages/framework-cmsis",
    "platform-ststm32": "platformio/platforms/ststm32",
    "platform-nordicnrf52": "platformio/platforms/nordicnrf52",
    "Chirale_TensorFlowLite": "projects/*/.pio/libdeps/*/Chirale_TensorFLowLite",
}


def link_cores(home: Path, folder: Path) -> None:
    """Raises SystemExit, naming what is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    for name, place in PLACES.items():
        found = sorted(home.glob(place))
        if found:
            (folder / name).symlink_to(found[0].resolve(), target_is_directory=True)
        else:
            missing.append(place)
    if missing:
        raise SystemExit(f"Not in {home}: {', '.join(missing)}")


if __name__ == "__main__":
    link_cores(Path(os.environ["DANAS_HIL_HOME"]), Path(sys.argv[1]))
