"""Ways to run a model: each a Target that gives a Session."""

from danas_hil.targets.devices import PORT_SECONDS, Device, QemuDevice, SerialDevice
from danas_hil.targets.emulators import EMULATORS, Emulator, emulated_device
from danas_hil.targets.firmware import FirmwareTarget, build_into, open_session
from danas_hil.targets.host import HostTarget
from danas_hil.targets.interface import (
    ArenaError,
    BuildIdentity,
    Grows,
    HasProfiler,
    Hello,
    Kind,
    Memory,
    ModelFile,
    OperatorTime,
    Program,
    Session,
    Sizes,
    Stage,
    Target,
    TargetError,
    TellsOfBuilds,
)
from danas_hil.targets.renode import RenodeDevice

__all__ = [
    "EMULATORS",
    "PORT_SECONDS",
    "ArenaError",
    "BuildIdentity",
    "Device",
    "Emulator",
    "FirmwareTarget",
    "Grows",
    "HasProfiler",
    "Hello",
    "HostTarget",
    "Kind",
    "Memory",
    "ModelFile",
    "OperatorTime",
    "Program",
    "QemuDevice",
    "RenodeDevice",
    "SerialDevice",
    "Session",
    "Sizes",
    "Stage",
    "Target",
    "TargetError",
    "TellsOfBuilds",
    "build_into",
    "emulated_device",
    "open_session",
]
