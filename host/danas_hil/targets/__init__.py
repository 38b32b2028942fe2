"""Ways to run a model: each a Target that gives a Session."""

from danas_hil.targets.host import HostTarget
from danas_hil.targets.interface import (
    Build,
    BuildIdentity,
    Hello,
    Kind,
    Memory,
    ModelFile,
    OperatorTime,
    Session,
    Sizes,
    Stage,
    Target,
    TargetError,
)

__all__ = [
    "Build",
    "BuildIdentity",
    "Hello",
    "HostTarget",
    "Kind",
    "Memory",
    "ModelFile",
    "OperatorTime",
    "Session",
    "Sizes",
    "Stage",
    "Target",
    "TargetError",
]
