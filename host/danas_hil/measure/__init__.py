"""Measuring: build, flash, boot, talk, check parity, record."""

from danas_hil.measure.accuracy import TestImages, read_test_images, take_accuracy
from danas_hil.measure.choose import TOP, FrontRow, choose
from danas_hil.measure.measuring import Item, MeasureSettings, measure_all, measure_candidate
from danas_hil.measure.reach import (
    TOOL_HINTS,
    Address,
    check_library,
    check_platform,
    lacking_tools,
    reach,
    reach_device,
)
from danas_hil.measure.record import Accuracy, Failure, Latency, Measurement, Parity, Status
from danas_hil.measure.remember import Remembered, recall, remember
from danas_hil.measure.timing import RULES, TimingRule, take_time

__all__ = [
    "RULES",
    "TOOL_HINTS",
    "TOP",
    "Accuracy",
    "Address",
    "Failure",
    "FrontRow",
    "Item",
    "Latency",
    "MeasureSettings",
    "Measurement",
    "Parity",
    "Remembered",
    "Status",
    "TestImages",
    "TimingRule",
    "check_library",
    "check_platform",
    "choose",
    "lacking_tools",
    "measure_all",
    "measure_candidate",
    "reach",
    "reach_device",
    "read_test_images",
    "recall",
    "remember",
    "take_accuracy",
    "take_time",
]
