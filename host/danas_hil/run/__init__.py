"""The run folder: its layout, its reader and writer."""

from danas_hil.run.anew import anew
from danas_hil.run.bundle import export_bundle
from danas_hil.run.folder import RunFolder
from danas_hil.run.picks import Pick, Picks
from danas_hil.run.records import Candidate, Evaluation, Front
from danas_hil.run.replacing import new_folder, replace_candidate, settle

__all__ = [
    "Candidate",
    "Evaluation",
    "Front",
    "Pick",
    "Picks",
    "RunFolder",
    "anew",
    "export_bundle",
    "new_folder",
    "replace_candidate",
    "settle",
]
