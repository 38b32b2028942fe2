"""The study that the processes at work on one run share: what each claims, locks and writes down.

It knows nothing of how genomes are chosen or scored.
"""

from danas_hil.study.claims import Claim, Claims
from danas_hil.study.ledger import Ledger, Turn
from danas_hil.study.locks import Locks, StoppedError, pause
from danas_hil.study.mirror import SupernetStore, open_store, open_to_read
from danas_hil.study.objectives import DIRECTIONS, OBJECTIVES, objectives
from danas_hil.study.present import Present
from danas_hil.study.sharing import Shared, open_shared
from danas_hil.study.storage import STUDY, StorageSettings, check_storage, open_storage
from danas_hil.study.trainings import Trainings
from danas_hil.study.worker import Worker

__all__ = [
    "DIRECTIONS",
    "OBJECTIVES",
    "STUDY",
    "Claim",
    "Claims",
    "Ledger",
    "Locks",
    "Present",
    "Shared",
    "StoppedError",
    "StorageSettings",
    "SupernetStore",
    "Trainings",
    "Turn",
    "Worker",
    "check_storage",
    "objectives",
    "open_shared",
    "open_storage",
    "open_store",
    "open_to_read",
    "pause",
]
