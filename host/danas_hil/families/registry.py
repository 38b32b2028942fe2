"""The families that there are: ours, and those of other packages."""

from __future__ import annotations

from danas_hil.base import Registry, registered
from danas_hil.families.ds_cnn import DsCnnFamily
from danas_hil.families.interface import Family
from danas_hil.families.layers import LayersFamily
from danas_hil.families.mobilenet_v2 import MobileNetV2Family

GROUP = "danas_hil.families"
"""The entry points by which another package registers a Family (an object, not its class)."""

DEFAULT = "mobilenet_v2"

_BUILT_IN: tuple[Family, ...] = (MobileNetV2Family(), DsCnnFamily(), LayersFamily())


def families() -> Registry[Family]:
    """Every family, by name: ours first."""
    return registered(GROUP, {family.name: family for family in _BUILT_IN})


def find_family(name: str) -> Family:
    """Raises NotInstalledError where there is none of that name."""
    known = families()
    known.check(name, "family of networks", "Families")
    return known[name]
