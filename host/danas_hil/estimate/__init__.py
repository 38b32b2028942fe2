"""What a network takes of a microcontroller's memory, before anything is trained or built."""

from danas_hil.estimate.paper import PaperEstimate, paper

__all__ = ["PaperEstimate", "paper"]
