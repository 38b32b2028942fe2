"""What a network takes of a microcontroller's memory, before anything is trained or built.

`paper` is the model of the paper, Eq. 1 and 2; `estimate_genome` and `estimate_model` give the
arena of TensorFlow Lite Micro to the byte, and flash and RAM as far as their figures have a source.
"""

from danas_hil.estimate.arena import ArenaEstimate, activation_bytes, estimate_arena
from danas_hil.estimate.estimate import Estimate, estimate_genome, estimate_graph, estimate_model
from danas_hil.estimate.flash import FlashEstimate
from danas_hil.estimate.graph import Operator, OperatorGraph, Tensor
from danas_hil.estimate.layout import lay_out
from danas_hil.estimate.lines import Line
from danas_hil.estimate.outputs import OutputFault, output_faults
from danas_hil.estimate.paper import PaperEstimate, paper
from danas_hil.estimate.planner import PlannedBuffer
from danas_hil.estimate.ram import Firmware, RamEstimate
from danas_hil.estimate.read import ModelEnds, read_ends, read_file, read_graph, why_not_run

__all__ = [
    "ArenaEstimate",
    "Estimate",
    "Firmware",
    "FlashEstimate",
    "Line",
    "ModelEnds",
    "Operator",
    "OperatorGraph",
    "OutputFault",
    "PaperEstimate",
    "PlannedBuffer",
    "RamEstimate",
    "Tensor",
    "activation_bytes",
    "estimate_arena",
    "estimate_genome",
    "estimate_graph",
    "estimate_model",
    "lay_out",
    "output_faults",
    "paper",
    "read_ends",
    "read_file",
    "read_graph",
    "why_not_run",
]
