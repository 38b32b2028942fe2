"""How often an inference is timed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from danas_hil.measure.record import LATENCY_LABELS, Latency
from danas_hil.targets import Kind, Session, TargetError

MOST_RUNS = 10_000
"""Of a model of microseconds: each run is a request of its own, which takes far longer."""


@dataclass(frozen=True)
class TimingRule:
    """One warm-up run, then at least `runs` runs and at least `seconds` in all, or MOST_RUNS.

    cap_seconds: no further run is begun once all took so long, though one is always kept.
    must_agree: the runs of an emulator that counts instructions are equal but for what
    `emulated_spread_us` tells, or its timer is not to be trusted.
    """

    runs: int
    seconds: float = 0.0
    cap_seconds: float = math.inf
    must_agree: bool = False


RULES: Mapping[Kind, TimingRule] = {
    "host": TimingRule(runs=10, cap_seconds=1.0),
    "emulated": TimingRule(runs=2, must_agree=True),
    "measured": TimingRule(runs=10, seconds=10.0),
}


# The interrupt that a core counts milliseconds by: 20 instructions in a whole build of the STM32
# core's self-test, 28 where it feeds the watchdog; more where an operating system, such as mbed's,
# looks for the next thread.
_INTERRUPT_INSTRUCTIONS = 500


def emulated_spread_us(timer: str, timer_hz: int | None) -> float:
    """How much the same work may differ in an emulator, in microseconds.

    Not at all by the timer of a machine of ours, which has no other interrupt. By the cycle counter
    (`dwt`) of a whole core, such as Renode's, an instruction is a tick, and of the interrupts that
    come each millisecond one run may hold one more than another; the counter itself is read to the
    instruction.
    """
    if timer != "dwt" or not timer_hz:
        return 0.0
    return _INTERRUPT_INSTRUCTIONS * 1e6 / timer_hz


def take_time(
    session: Session,
    kind: Kind,
    timer: str,
    rule: TimingRule | None = None,
    *,
    timer_hz: int | None = None,
) -> Latency:
    """Time inferences by the rule of `kind`, or by `rule`. timer, timer_hz: as the program tells
    them. Raises TargetError.
    """
    rule = rule or RULES[kind]
    session.time(1)  # warm-up
    taken: list[float] = []
    while not _enough(taken, rule):
        taken.extend(session.time(_next_runs(taken, rule)))
        if min(taken) <= 0:  # or the seconds of the rule would never be full
            raise TargetError(
                "PROTOCOL",
                f"The timer {timer} stands still: a run took {min(taken):g} us.",
                "danas-hil doctor --board NAME looks at the timer.",
            )
    if rule.must_agree and max(taken) - min(taken) > emulated_spread_us(timer, timer_hz):
        raise TargetError(
            "PROTOCOL",
            f"The emulator's timer does not count instructions: runs took {taken} us.",
            "Start it in its instruction-counting mode.",
        )
    return Latency(tuple(taken), LATENCY_LABELS[kind], timer)


def _enough(taken: list[float], rule: TimingRule) -> bool:
    seconds = sum(taken) / 1e6
    done = len(taken) >= rule.runs and seconds >= rule.seconds
    return bool(taken) and (done or seconds >= rule.cap_seconds or len(taken) >= MOST_RUNS)


def _next_runs(taken: list[float], rule: TimingRule) -> int:
    """How many runs to ask for at once: a few first, then what is left, a thousand at the most."""
    if not taken:
        return 1 if rule.cap_seconds < math.inf else rule.runs
    median = statistics.median(taken) / 1e6 or 1e-9
    wanted = max(rule.runs - len(taken), math.ceil((rule.seconds - sum(taken) / 1e6) / median))
    allowed = (rule.cap_seconds - sum(taken) / 1e6) / median
    return max(1, min(wanted, 1000, math.ceil(allowed) if allowed < 1000 else 1000))
