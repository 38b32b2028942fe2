"""Images: photos in any size, shown at a resolution, in colour or without."""

from danas_hil.signals.image.genes import OPTIONS, Colour, ImageConfig, ImageSpace
from danas_hil.signals.image.signal import ImageSignal

__all__ = ["OPTIONS", "Colour", "ImageConfig", "ImageSignal", "ImageSpace"]
