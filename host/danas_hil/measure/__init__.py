"""Measuring: build, flash, boot, talk, check parity, record."""

from danas_hil.measure.choose import TOP, FrontRow, choose
from danas_hil.measure.measuring import Item, measure_all, measure_candidate
from danas_hil.measure.record import Failure, Latency, Measurement, Parity, Status
from danas_hil.measure.timing import RULES, TimingRule, take_time

__all__ = [
    "RULES",
    "TOP",
    "Failure",
    "FrontRow",
    "Item",
    "Latency",
    "Measurement",
    "Parity",
    "Status",
    "TimingRule",
    "choose",
    "measure_all",
    "measure_candidate",
    "take_time",
]
