"""Measuring, with targets that fail in each way."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.measure import (
    FrontRow,
    Item,
    Measurement,
    MeasureSettings,
    TimingRule,
    choose,
    measure_all,
    measure_candidate,
    take_time,
)
from danas_hil.measure.timing import MOST_RUNS
from danas_hil.targets import (
    BuildIdentity,
    Hello,
    HostTarget,
    Kind,
    Memory,
    ModelFile,
    OperatorTime,
    Program,
    Sizes,
    Stage,
    TargetError,
)
from danas_hil.tflm import AllocationClass, Golden

MODEL = ModelFile("ab12", b"a model")
GOLDEN = Golden(
    np.arange(6, dtype=np.int8).reshape(3, 2), np.arange(6, dtype=np.int8).reshape(3, 2)
)


@dataclass
class Fake:
    """A board that echoes its input; `fails` maps a step to the failures it still has to give."""

    kind: Kind = "measured"
    name: str = "fake@1"
    board: str = "fake"
    fails: dict[str, list[TargetError | BaseException]] = field(default_factory=dict)
    build_id: str | None = None
    says_board: str = "fake"
    wrong: dict[int, list[int]] = field(default_factory=dict)
    times: list[float] = field(default_factory=lambda: [2e6])
    steps: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.steps.append(name)
        if self.fails.get(name):
            raise self.fails[name].pop(0)

    def identity(self, model: ModelFile) -> BuildIdentity:
        return BuildIdentity.of({"model": model.sha256})

    def build(self, model: ModelFile, folder: Path) -> Program:
        self.step("build")
        return Program(model, self.identity(model), folder, Sizes(900, 500, {".text": 800}))

    def flash(self, program: Program) -> None:
        self.step("flash")

    @contextlib.contextmanager
    def open(self, program: Program) -> Iterator[FakeSession]:
        self.step("open")
        yield FakeSession(self, program)
        self.steps.append("closed")


@dataclass
class FakeSession:
    fake: Fake
    program: Program

    def identify(self) -> Hello:
        self.fake.step("identify")
        build_id = self.fake.build_id or self.program.identity.id
        return Hello(build_id, self.fake.says_board, "2026", "cycle counter", arena_bytes=128)

    def memory(self) -> Memory:
        self.fake.step("memory")
        return Memory(100, 60, 40, (AllocationClass("nodes", 8, 7, 1),), stack_peak_bytes=5)

    def infer(self, one: np.ndarray) -> np.ndarray:
        self.fake.step("infer")
        return np.array(self.fake.wrong.get(int(one[0]), one), one.dtype)

    def time(self, runs: int) -> tuple[float, ...]:
        self.fake.step("time")
        return tuple(self.fake.times[run % len(self.fake.times)] for run in range(runs))

    def profile(self) -> tuple[OperatorTime, ...] | None:
        self.fake.step("profile")
        return (OperatorTime(0, "CONV_2D", 3.5),)


def measured(fake: Fake, tmp_path: Path, **options: Any) -> Measurement:
    return measure_candidate(fake, MODEL, GOLDEN, tmp_path, MeasureSettings(**options))


def failure(stage: Stage, log: Path | None = None) -> TargetError:
    return TargetError(stage, f"no {stage}", "try again", log)


# -- one candidate -----------------------------------------------------------------------------


def test_a_good_measurement_has_all_figures_and_survives_json(tmp_path: Path) -> None:
    fake = Fake()
    found = measured(fake, tmp_path, profile=True)
    assert found.good
    assert found.failure is None
    assert found.memory is not None
    assert (found.memory.arena_used_bytes, found.arena_bytes) == (100, 128)
    assert found.sizes == Sizes(900, 500, {".text": 800})
    assert found.parity is not None
    assert found.parity.equal
    assert (found.parity.inputs, found.parity.elements) == (3, 6)
    assert found.latency is not None
    assert found.latency.median_us == 2e6
    assert found.profile == (OperatorTime(0, "CONV_2D", 3.5),)
    assert found.model_sha256 == MODEL.sha256
    text = json.dumps(found.to_json(), allow_nan=False)
    assert Measurement.from_json(json.loads(text)) == found


def test_parity_comes_before_the_timed_runs_and_the_profile_after_them(tmp_path: Path) -> None:
    fake = Fake(times=[1e6])
    measured(fake, tmp_path, profile=True)
    order = list(dict.fromkeys(fake.steps))
    assert order == [
        "build", "flash", "open", "identify", "memory", "infer", "time", "profile", "closed",
    ]  # fmt: skip
    assert fake.steps.count("infer") == 3


STAGE_STEPS: list[tuple[Stage, str]] = [
    ("RENDER", "build"),
    ("BUILD", "build"),
    ("SIZE", "build"),
    ("FLASH", "flash"),
    ("BOOT", "open"),
    ("PROTOCOL", "infer"),
    ("ALLOCATE", "open"),
    ("FAULT", "time"),
]


@pytest.mark.parametrize(("stage", "step"), STAGE_STEPS)
def test_each_failure_is_a_status_with_reason_hint_and_log(
    stage: Stage, step: str, tmp_path: Path
) -> None:
    log = tmp_path / "serial.log"
    found = measured(Fake(fails={step: [failure(stage, log) for _ in range(9)]}), tmp_path)
    assert found.status == stage
    assert not found.good
    assert found.failure is not None
    assert (found.failure.stage, found.failure.reason) == (stage, f"no {stage}")
    assert (found.failure.hint, found.failure.log) == ("try again", str(log))
    assert found.latency is None
    assert Measurement.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(("stage", "step"), STAGE_STEPS)
def test_what_a_second_try_may_mend_is_tried_again(stage: Stage, step: str, tmp_path: Path) -> None:
    fake = Fake(fails={step: [failure(stage)]})
    found = measured(fake, tmp_path)
    retried = stage in ("FLASH", "BOOT", "PROTOCOL")
    assert found.good == retried
    assert found.attempts == (2 if retried else 1)
    assert fake.steps.count("build") == 1
    assert fake.steps.count("flash") == (2 if retried else 1 if step != "build" else 0)


def test_tries_come_to_an_end(tmp_path: Path) -> None:
    found = measured(Fake(fails={"open": [failure("BOOT") for _ in range(9)]}), tmp_path)
    assert (found.status, found.attempts) == ("BOOT", 3)


def test_a_failure_keeps_the_figures_that_came_before_it(tmp_path: Path) -> None:
    found = measured(Fake(fails={"time": [failure("FAULT")]}), tmp_path)
    assert found.memory is not None
    assert found.parity is not None
    assert found.sizes is not None
    assert found.latency is None


@pytest.mark.parametrize("fake", [Fake(build_id="0123"), Fake(says_board="other")])
def test_the_wrong_firmware_or_board_gives_no_figure_at_all(fake: Fake, tmp_path: Path) -> None:
    found = measured(fake, tmp_path)
    assert found.status == "IDENTITY"
    assert found.memory is found.latency is found.parity is None
    assert fake.steps[-1] == "identify", "nothing is asked of it, and nothing is tried again"


def test_outputs_that_differ_are_told_exactly_and_the_figures_kept(tmp_path: Path) -> None:
    found = measured(Fake(wrong={2: [2, -100], 4: [5, 5]}), tmp_path)
    assert found.status == "PARITY"
    assert found.parity is not None
    assert not found.parity.equal
    assert found.parity.first_difference == (1, 1)
    assert found.parity.largest_difference == 103
    assert found.parity.differing == 2
    assert found.latency is not None
    assert found.failure is not None
    assert "element 1 for input 1" in found.failure.reason


def test_outputs_of_another_size_are_no_parity_failure_but_a_wrong_conversation(
    tmp_path: Path,
) -> None:
    found = measured(Fake(wrong={0: [1, 2, 3]}), tmp_path)
    assert found.status == "PROTOCOL"


def test_floats_are_compared_by_their_bytes(tmp_path: Path) -> None:
    values = np.array([[0.0, np.nan]], np.float32)
    same = measure_candidate(Fake(), MODEL, Golden(values, values), tmp_path)
    assert same.status == "OK"
    negative_zero = np.array([[-0.0, np.nan]], np.float32)
    other = measure_candidate(Fake(), MODEL, Golden(values, negative_zero), tmp_path)
    assert other.status == "PARITY"
    json.dumps(other.to_json(), allow_nan=False)


@pytest.mark.parametrize("step", ["build", "flash", "open", "identify", "infer", "time"])
def test_an_interruption_is_not_swallowed_at_any_stage(step: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        measured(Fake(fails={step: [KeyboardInterrupt()]}), tmp_path)


# -- timing ------------------------------------------------------------------------------------


def timed(kind: Kind, times: list[float], rule: TimingRule | None = None) -> tuple[float, ...]:
    fake = Fake(kind=kind, times=times)
    session = FakeSession(fake, Program(MODEL, fake.identity(MODEL)))
    return take_time(session, kind, "timer", rule).runs_us


def test_a_real_board_is_timed_ten_times_and_ten_seconds_at_least() -> None:
    assert len(timed("measured", [3e6])) == 10
    assert sum(timed("measured", [1e4])) >= 10e6
    assert sum(timed("measured", [1e4])) < 12e6


def test_an_emulator_is_timed_twice_and_must_agree() -> None:
    assert timed("emulated", [500.0]) == (500.0, 500.0)
    with pytest.raises(TargetError, match="does not count instructions") as caught:
        timed("emulated", [500.0, 501.0])
    assert caught.value.stage == "PROTOCOL"


def test_by_a_whole_cores_cycle_counter_runs_differ_by_one_interrupt_at_most() -> None:
    def twice(second: float, timer: str) -> tuple[float, ...]:
        fake = Fake(kind="emulated", times=[278.4, second])
        session = FakeSession(fake, Program(MODEL, fake.identity(MODEL)))
        return take_time(session, "emulated", timer, timer_hz=216_000_000).runs_us

    assert twice(278.52, "dwt") == (278.4, 278.52)
    for second, timer in ((278.52, "platform"), (281.4, "dwt")):
        with pytest.raises(TargetError, match="does not count instructions"):
            twice(second, timer)


def test_the_host_is_timed_ten_times_but_not_for_much_longer_than_a_second() -> None:
    assert len(timed("host", [100.0])) == 10
    assert len(timed("host", [3e5])) == 4
    assert len(timed("host", [9e6])) == 1


@given(
    st.floats(0.01, 1e7),
    st.integers(1, 50),
    st.floats(0, 5),
    st.one_of(st.just(float("inf")), st.floats(0.1, 5)),
)
def test_timing_ends_and_keeps_its_rule(
    microseconds: float, runs: int, seconds: float, cap: float
) -> None:
    rule = TimingRule(runs, seconds if microseconds > 1000 else 0.0, cap)
    taken = timed("measured", [microseconds], rule)
    total = sum(taken) / 1e6
    assert (len(taken) >= runs and total >= rule.seconds) or total >= cap
    assert total <= max(cap, 0) + 2 * microseconds / 1e6 or cap == float("inf")


def test_a_model_of_microseconds_is_timed_so_often_and_no_more() -> None:
    assert len(timed("measured", [0.5])) <= MOST_RUNS + 1_000


def test_a_timer_that_stands_still_is_no_time() -> None:
    with pytest.raises(TargetError, match=r"stands still: a run took 0 us") as raised:
        timed("measured", [100.0, 0.0])
    assert raised.value.stage == "PROTOCOL"


def test_the_label_says_what_kind_of_time_it_is(tmp_path: Path) -> None:
    labels = {}
    for kind in ("host", "emulated", "measured"):
        latency = measured(Fake(kind=kind), tmp_path).latency  # type: ignore[arg-type]
        assert latency is not None
        labels[kind] = latency.label
    assert labels == {
        "host": "time on this computer",
        "emulated": "emulated time",
        "measured": "measured time",
    }


# -- many --------------------------------------------------------------------------------------


def items(tmp_path: Path, count: int) -> list[Item]:
    result = []
    for index in range(count):
        folder = tmp_path / f"c{index}"
        folder.mkdir()
        (folder / "model.tflite").write_bytes(b"model %d" % index)
        tflm.write_golden(folder / "golden.npz", GOLDEN)
        model, golden = folder / "model.tflite", folder / "golden.npz"
        result.append(Item(f"c{index}", model, golden, folder / "fake"))
    return result


def test_a_batch_goes_on_after_a_failure_and_writes_each_as_it_comes(tmp_path: Path) -> None:
    fake = Fake(fails={"open": [failure("ALLOCATE")]})
    statuses = []
    for item, found, kept in measure_all(fake, items(tmp_path, 3)):
        assert Measurement.read(item.measurement_file) == found
        assert not kept
        statuses.append(found.status)
    assert statuses == ["ALLOCATE", "OK", "OK"]


def test_a_batch_resumes_where_it_stopped(tmp_path: Path) -> None:
    batch = items(tmp_path, 3)
    fake = Fake(fails={"open": [failure("ALLOCATE")]})
    iterator = measure_all(fake, batch)
    next(iterator), next(iterator)
    started: list[str] = []
    again = [
        (item.id, found.good, kept)
        for item, found, kept in measure_all(
            Fake(), batch, starting=lambda item: started.append(item.id)
        )
    ]
    assert again == [("c0", True, False), ("c1", True, True), ("c2", True, False)]
    assert started == ["c0", "c2"]


@pytest.mark.parametrize("change", ["model", "golden", "record", "schema", "status"])
def test_what_no_longer_belongs_to_the_measurement_is_measured_anew(
    change: str, tmp_path: Path
) -> None:
    (item,) = batch = items(tmp_path, 1)
    list(measure_all(Fake(), batch))
    assert [kept for *_, kept in measure_all(Fake(), batch)] == [True]
    record = json.loads(item.measurement_file.read_text())
    if change == "model":
        item.model.write_bytes(b"another")
    elif change == "golden":
        other = Golden(GOLDEN.inputs[:1], GOLDEN.outputs[:1])
        assert item.golden is not None
        tflm.write_golden(item.golden, other)
    elif change == "record":
        item.measurement_file.write_text(item.measurement_file.read_text()[:50])
    else:
        record[change] = {"schema": 0, "status": "PARITY"}[change]
        item.measurement_file.write_text(json.dumps(record))
    assert [kept for *_, kept in measure_all(Fake(), batch)] == [False]
    assert [kept for *_, kept in measure_all(Fake(), batch, again=True)] == [False]


def test_a_profile_that_is_asked_for_is_a_reason_to_measure_again(tmp_path: Path) -> None:
    batch = items(tmp_path, 1)
    list(measure_all(Fake(), batch))
    assert [kept for *_, kept in measure_all(Fake(), batch, profile=True)] == [False]
    assert [kept for *_, kept in measure_all(Fake(), batch, profile=True)] == [True]


@pytest.mark.parametrize("missing", ["model.tflite", "golden.npz"])
def test_a_candidate_without_its_files_fails_alone(missing: str, tmp_path: Path) -> None:
    batch = items(tmp_path, 2)
    (tmp_path / "c0" / missing).unlink()
    results = [found for _, found, _ in measure_all(Fake(), batch)]
    assert [found.status for found in results] == ["RENDER", "OK"]
    assert results[0].failure is not None
    assert missing in results[0].failure.reason


def test_a_full_disk_loses_no_earlier_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = items(tmp_path, 1)
    list(measure_all(Fake(), batch))
    before = batch[0].measurement_file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DanasError, match=r"c0 can't be written .*No space left"):
        list(measure_all(Fake(), batch, again=True))
    assert batch[0].measurement_file.read_bytes() == before
    assert [path.name for path in batch[0].folder.iterdir()] == ["measurement.json"]


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": 3},
        {"memory": {"arena_used_bytes": 1, "odd": 2}},
        {"memory": 3},
        {"parity": []},
        {"more": 1},
        {"latency": {"runs_us": [], "label": "measured time", "timer": "dwt"}},
        {"latency": {"runs_us": [0.0, 3.0], "label": "measured time", "timer": "dwt"}},
    ],
)
def test_a_damaged_record_is_refused_by_name(damage: dict[str, Any], tmp_path: Path) -> None:
    value = {**measured(Fake(), tmp_path).to_json(), **damage}
    with pytest.raises(DanasError, match=r"m\.json"):
        Measurement.from_json(value, "m.json")


def test_a_public_model_is_measured_on_the_host_without_golden_outputs(
    shared: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    names = ("kws_ref_model", "ad01_int8")
    batch = [
        Item(name, shared / "data" / "models" / f"{name}.tflite", None, tmp_path / name)
        for name in names
    ]
    (tmp_path / "broken.tflite").write_bytes(b"\0" * 99)
    batch.insert(1, Item("broken", tmp_path / "broken.tflite", None, tmp_path / "broken"))
    results = [found for _, found, _ in measure_all(HostTarget(), batch)]
    assert [found.status for found in results] == ["OK", "RENDER", "OK"]
    kws = results[0]
    assert kws.memory is not None
    assert kws.memory.arena_used_bytes == 24272
    assert kws.parity is not None
    assert kws.parity.random_inputs
    assert kws.parity.equal
    assert kws.latency is not None
    assert len(kws.latency.runs_us) == 10
    assert kws.tflm_version == tflm.version()
    assert [kept for *_, kept in measure_all(HostTarget(), batch)] == [True, False, True]


def test_golden_outputs_of_another_model_fail_the_host(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    content = (shared / "data" / "models" / "kws_ref_model.tflite").read_bytes()
    golden = tflm.golden_of_random(content, count=2)
    golden.outputs[1, 3] ^= 1
    found = measure_candidate(HostTarget(), ModelFile("kws", content), golden, tmp_path)
    assert found.status == "PARITY"
    assert found.parity is not None
    assert (found.parity.first_difference, found.parity.differing) == ((1, 3), 1)
    assert found.parity.largest_difference == 1


# -- choosing ----------------------------------------------------------------------------------

FRONT = [FrontRow(f"id{n:02}", n * 1000, n % 7) for n in range(20)]
rows = st.lists(
    st.builds(FrontRow, st.uuids().map(str), st.integers(0, 50), st.floats(0, 1)),
    unique_by=lambda row: row.id,
)


@given(rows, st.integers(1, 12))
def test_the_top_holds_the_best_and_is_spread_over_ram(front: list[FrontRow], top: int) -> None:
    chosen = choose(front, top=top)
    by_id = {row.id: row for row in front}
    assert len(chosen) == len(set(chosen)) == min(top, len(front))
    memory = [by_id[one].ram_bytes for one in chosen]
    assert memory == sorted(memory)
    if front:
        assert max(by_id[one].score for one in chosen) == max(row.score for row in front)
    if len(front) >= top > 1:
        middle = sorted(row.ram_bytes for row in front)[len(front) // 2]
        assert memory[0] <= middle <= memory[-1] or len(front) < 2 * top


def test_all_is_all_and_the_default_is_eight() -> None:
    assert len(choose(FRONT)) == 8
    assert choose(FRONT, everything=True) == tuple(row.id for row in FRONT)
    assert choose([], everything=True) == choose([]) == ()


def test_named_candidates_come_in_their_order_once() -> None:
    assert choose(FRONT, ids=("id07", "id03", "id07")) == ("id07", "id03")
    assert choose(FRONT, picks=("id07", "id03")) == ("id07", "id03")
    assert choose(FRONT, picks=("id07", "id03"), top=8) == choose(FRONT)
    assert choose(FRONT, picks=("id07",), everything=True) == choose(FRONT, everything=True)
    with pytest.raises(DanasError, match="no candidate id2") as caught:
        choose(FRONT, ids=("id2",))
    assert "id02" in caught.value.hint
    with pytest.raises(DanasError, match="top 0"):
        choose(FRONT, top=0)


class Unbuildable(Fake):
    """A board whose build the memory model does not cover for this model."""

    def identity(self, model: ModelFile) -> BuildIdentity:
        raise DanasError(f"{model.name} has an operator of its own.", "Use another.")


def test_a_model_that_can_not_be_built_is_a_status_and_the_batch_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"a model")
    tflm.write_golden(tmp_path / "golden.npz", GOLDEN)
    items = [
        Item(name, tmp_path / "a.tflite", tmp_path / "golden.npz", tmp_path / name)
        for name in ("one", "two")
    ]
    batch = [measurement for _, measurement, _ in measure_all(Unbuildable(), items)]
    batch.append(measured(Unbuildable(), tmp_path))
    assert [one.status for one in batch] == ["RENDER"] * 3
    assert all("an operator of its own" in one.failure.reason for one in batch if one.failure)
