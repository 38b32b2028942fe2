"""Building with PlatformIO: offline, quiet, and with its errors in our words."""

from danas_hil.platformio.build import (
    BuildError,
    Built,
    SizeError,
    build,
    built_before,
    upload,
)
from danas_hil.platformio.elf import ElfSizes, Section, function_at, read_elf_sizes
from danas_hil.platformio.listener import SILENCE, BuildListener
from danas_hil.platformio.settings import core_folder, pio_environment
from danas_hil.platformio.shares import OWNERS, Owner, Shares, read_shares

__all__ = [
    "OWNERS",
    "SILENCE",
    "BuildError",
    "BuildListener",
    "Built",
    "ElfSizes",
    "Owner",
    "Section",
    "Shares",
    "SizeError",
    "build",
    "built_before",
    "core_folder",
    "function_at",
    "pio_environment",
    "read_elf_sizes",
    "read_shares",
    "upload",
]
