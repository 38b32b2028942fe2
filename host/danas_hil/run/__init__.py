"""The run folder: its layout, its reader and writer."""

from danas_hil.run.anew import anew
from danas_hil.run.bundle import export_bundle
from danas_hil.run.folder import RunFolder
from danas_hil.run.genomes import GenomeFile, read_genome, write_genome
from danas_hil.run.picks import Pick, Picks
from danas_hil.run.records import Candidate, Evaluation, Front
from danas_hil.run.replacing import new_folder, replace_candidate, settle

__all__ = [
    "Candidate",
    "Evaluation",
    "Front",
    "GenomeFile",
    "Pick",
    "Picks",
    "RunFolder",
    "anew",
    "export_bundle",
    "new_folder",
    "read_genome",
    "replace_candidate",
    "settle",
    "write_genome",
]
