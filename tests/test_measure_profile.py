"""The profile of targets whose profiling program is another one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from danas_hil.measure import MeasureSettings, measure_candidate
from danas_hil.targets import BuildIdentity, Memory, ModelFile, OperatorTime, Program
from test_measure import GOLDEN, MODEL, Fake, FakeSession, failure


class Plain(FakeSession):
    """Knows its arena as a whole only."""

    def memory(self) -> Memory:
        self.fake.step("memory")
        return Memory(100, stack_peak_bytes=5, minimum_sufficed=True)

    def profile(self) -> None:
        return None


class Profiling(FakeSession):
    """Its own structs are larger, hence its tail."""

    def memory(self) -> Memory:
        return Memory(124, 60, 64, stack_peak_bytes=9)


@dataclass
class Profiler(Fake):
    session: type[FakeSession] = Profiling

    def identity(self, model: ModelFile) -> BuildIdentity:
        return BuildIdentity.of({"model": model.sha256, "profiling": "yes"})

    @contextlib.contextmanager
    def open(self, program: Program) -> Iterator[FakeSession]:
        self.step("open")
        yield self.session(self, program)


@dataclass
class WithProfiler(Fake):
    other: Profiler = field(default_factory=Profiler)

    def profiler(self) -> Profiler:
        return self.other

    @contextlib.contextmanager
    def open(self, program: Program) -> Iterator[FakeSession]:
        self.step("open")
        yield Plain(self, program)


def test_head_tail_and_times_come_from_the_profiling_program_and_the_rest_does_not(
    tmp_path: Path,
) -> None:
    target = WithProfiler()
    found = measure_candidate(target, MODEL, GOLDEN, tmp_path, MeasureSettings(profile=True))
    assert found.good
    assert found.build == target.identity(MODEL)
    assert found.memory == Memory(100, 60, 40, stack_peak_bytes=5, minimum_sufficed=True)
    assert found.profile == (OperatorTime(0, "CONV_2D", 3.5),)
    assert target.other.steps == ["build", "flash", "open", "identify", "profile"]


def test_the_board_is_left_with_the_program_that_was_measured(tmp_path: Path) -> None:
    flashed: list[str] = []

    @dataclass
    class Noted(WithProfiler):
        def flash(self, program: Program) -> None:
            flashed.append(program.identity.id)
            super().flash(program)

    @dataclass
    class NotedProfiler(Profiler):
        def flash(self, program: Program) -> None:
            flashed.append(program.identity.id)
            super().flash(program)

    target = Noted(other=NotedProfiler())
    found = measure_candidate(target, MODEL, GOLDEN, tmp_path, MeasureSettings(profile=True))
    assert flashed == [target.other.identity(MODEL).id, found.build.id]


def test_no_profiling_program_is_flashed_unasked_or_where_nothing_may_be(tmp_path: Path) -> None:
    for options in ({}, {"profile": True, "flash": False}):
        target = WithProfiler()
        found = measure_candidate(target, MODEL, GOLDEN, tmp_path, MeasureSettings(**options))
        assert found.good
        assert found.profile is None
        assert target.other.steps == []


def test_a_profile_that_fails_leaves_the_other_figures(tmp_path: Path) -> None:
    target = WithProfiler(other=Profiler(fails={"build": [failure("SIZE")]}))
    found = measure_candidate(target, MODEL, GOLDEN, tmp_path, MeasureSettings(profile=True))
    assert found.status == "SIZE"
    assert found.latency is not None
    assert found.parity is not None
    assert found.profile is None


def test_figures_of_another_program_are_no_profile(tmp_path: Path) -> None:
    target = WithProfiler(other=Profiler(build_id="0123456789abcdef"))
    found = measure_candidate(target, MODEL, GOLDEN, tmp_path, MeasureSettings(profile=True))
    assert found.status == "IDENTITY"
    assert found.profile is None


def test_a_profile_is_tried_again_where_that_may_mend_it(tmp_path: Path) -> None:
    target = WithProfiler(other=Profiler(fails={"open": [failure("BOOT")] * 2}))
    found = measure_candidate(target, MODEL, GOLDEN, tmp_path, MeasureSettings(profile=True))
    assert found.good
    assert found.profile is not None
    assert target.other.steps.count("open") == 3
