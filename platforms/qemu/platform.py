"""PlatformIO development platform for emulated boards; it needs no package of PlatformIO's."""

from platformio.platform.base import PlatformBase


class QemuPlatform(PlatformBase):
    def is_embedded(self):
        return True
