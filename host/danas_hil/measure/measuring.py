"""Build, flash, boot, talk, check parity, record: one model, or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from danas_hil import tflm
from danas_hil.base import DanasError
from danas_hil.board import keep_beside
from danas_hil.estimate.read import read_file
from danas_hil.measure.accuracy import Streamed, TestImages, read_test_images, take_accuracy
from danas_hil.measure.growing import GrownError, check_used, grow, settle
from danas_hil.measure.profiling import identified, take_profile
from danas_hil.measure.record import Failure, Measurement, Parity
from danas_hil.measure.remember import remember
from danas_hil.measure.timing import TimingRule, take_time
from danas_hil.platformio import SILENCE, BuildListener
from danas_hil.targets import (
    BuildIdentity,
    Grows,
    HasProfiler,
    Kind,
    Memory,
    ModelFile,
    OperatorTime,
    Program,
    Session,
    Stage,
    Target,
    TargetError,
    TellsOfBuilds,
)
from danas_hil.tasks import Task
from danas_hil.tflm import Golden

RETRIED = ("FLASH", "BOOT", "PROTOCOL")
"""Stages that a second try may mend: a cable, a port, a lost reply."""

ATTEMPTS = 3


@dataclass(frozen=True)
class Item:
    """A model to be measured. golden: its golden.npz; None: made with random inputs.

    folder: where measurement.json goes, and what building leaves. test_images: the file with them,
    the name of the data configuration that the model was made for, and what it tells apart.
    """

    id: str
    model: Path
    golden: Path | None
    folder: Path
    test_images: tuple[Path, str, Task] | None = None

    @property
    def measurement_file(self) -> Path:
        return self.folder / "measurement.json"


@dataclass(frozen=True)
class MeasureSettings:
    """How one model is measured.

    profile: ask for the time of each operator too, for which some targets flash a program of its
    own; it goes first, so that the board is left with the program that was measured. images: to
    take the accuracy of; `streamed` is called before each. flash: False leaves on the board what
    runs there, which must be the same build. rule: for timing, instead of that of the target's
    kind. attempts: tries of the stages that a second try may mend.
    """

    profile: bool = False
    images: TestImages | None = None
    streamed: Streamed = lambda *_: None
    flash: bool = True
    rule: TimingRule | None = None
    attempts: int = ATTEMPTS


_USUAL = MeasureSettings()


def measure_all(
    target: Target,
    items: Iterable[Item],
    *,
    profile: bool = False,
    accuracy: int = 0,
    again: bool = False,
    starting: Callable[[Item], None] = lambda _: None,
    builds: BuildListener = SILENCE,
    streamed: Streamed = lambda *_: None,
) -> Iterator[tuple[Item, Measurement, bool]]:
    """Measure one item after the other, whatever becomes of the ones before.

    Yields each item with its measurement, which is on disk by then, and whether it is an earlier
    one: a good measurement of the same build with the same golden outputs, and with all that is
    asked for, is kept, unless `again`. Times are remembered for their board. accuracy: on so many
    test images. `starting` is called before an item is measured, `streamed` before each test image;
    `builds` hears of builds and uploads.
    Raises DanasError where no item could go on: an extra that is not installed, a disk that is
    full.
    """
    if isinstance(target, TellsOfBuilds):
        target = target.telling(builds)
    for item in items:
        if item.golden is None:
            tflm.version()  # a missing extra is nothing that the next item could mend
        try:
            model = ModelFile(item.id, read_file(item.model))
            golden = _golden(item, model)
            images = _images(item, accuracy)
            target.identity(model)  # raises for what can't become a program
        except DanasError as error:
            measurement = _unbuilt(target, item, error)
            measurement.write(item.measurement_file)
            yield item, measurement, False
            continue
        earlier = None if again else _earlier(item, target, model, golden)
        if earlier is not None and _has(earlier, profile, images):
            remember(model.content, earlier)
            yield item, earlier, True
            continue
        starting(item)
        settings = MeasureSettings(profile, images, streamed)
        measurement = measure_candidate(target, model, golden, item.folder, settings)
        measurement.write(item.measurement_file)
        keep_beside(item.folder, target.board)
        remember(model.content, measurement)
        yield item, measurement, False


def measure_candidate(
    target: Target,
    model: ModelFile,
    golden: Golden,
    folder: Path,
    settings: MeasureSettings = _USUAL,
) -> Measurement:
    """What `target` shows of `model`; a failure of model or board is a status, not an exception.

    golden: what its outputs must be. folder: for what building leaves. Where no estimate tells the
    arena, larger ones are tried until it suffices or the board is full.
    """
    if settings.flash:
        target = settle(target, model, folder, settings.attempts)
    while True:
        try:
            return _measure(target, model, golden, folder, settings)
        except GrownError as grown:
            target = grown.target


def _measure(
    target: Target, model: ModelFile, golden: Golden, folder: Path, settings: MeasureSettings
) -> Measurement:
    """As `measure_candidate`, with the arena that `target` has. Raises GrownError."""
    found = Measurement(
        model=model.name,
        model_sha256=model.sha256,
        model_bytes=len(model.content),
        target=target.name,
        board=target.board,
        kind=target.kind,
        status="OK",
        recorded_at=_now(),
        build=BuildIdentity("", {}),
    )
    try:
        found = replace(found, build=target.identity(model))
    except DanasError as error:
        return _failed(found, TargetError("RENDER", error.what, error.hint))
    no_profile: TargetError | None = None
    told: Memory | None = None  # by the profiling program
    if settings.profile and settings.flash and isinstance(target, HasProfiler):
        try:
            profiler, place = target.profiler(), folder / "profile"
            told, times = _profiled(profiler, model, place, settings.attempts)
            found, settings = replace(found, profile=times), replace(settings, profile=False)
        except TargetError as error:
            grow(error, target, model)
            no_profile = error
    try:
        program = target.build(model, folder)
    except TargetError as error:
        return _failed(found, error)
    found = replace(found, build=program.identity, sizes=program.sizes)
    for attempt in range(1, settings.attempts + 1):
        talk = _Talk(target, program, golden, replace(found, attempts=attempt), settings)
        try:
            if settings.flash:
                target.flash(program)
            with target.open(program) as session:
                talk.hold(session)
        except TargetError as error:
            grow(error, target, model)
            if error.stage in RETRIED and attempt < settings.attempts:
                continue
            return _failed(_with_head(talk.found, told), error)
        break
    found = _with_head(talk.found, told)
    return _failed(found, no_profile) if no_profile else replace(found, recorded_at=_now())


def _profiled(
    target: Target, model: ModelFile, folder: Path, attempts: int
) -> tuple[Memory, tuple[OperatorTime, ...] | None]:
    """As `take_profile`, tried again where that may help."""
    for _ in range(1, attempts):
        try:
            return take_profile(target, model, folder)
        except TargetError as error:
            if error.stage not in RETRIED:
                raise
    return take_profile(target, model, folder)


def _with_head(found: Measurement, told: Memory | None) -> Measurement:
    """`found` with what the profiling program told of its arena. Its head is that of the plain
    program; its tail is larger, so the plain one's is what is used besides the head."""
    plain = found.memory
    if plain is None or told is None or told.head_bytes is None:
        return found
    tail = plain.arena_used_bytes - told.head_bytes
    return replace(found, memory=replace(plain, head_bytes=told.head_bytes, tail_bytes=tail))


class _Talk:
    """One conversation; `found` holds what is known so far, so that a failure loses none of it."""

    def __init__(
        self,
        target: Target,
        program: Program,
        golden: Golden,
        found: Measurement,
        settings: MeasureSettings,
    ) -> None:
        self.target = target
        self.program = program
        self.golden = golden
        self.found = found
        self.settings = settings

    def hold(self, session: Session) -> None:
        images, rule = self.settings.images, self.settings.rule
        hello = identified(session, self.target, self.program)
        self.found = replace(
            self.found, tflm_version=hello.tflm_version, arena_bytes=hello.arena_bytes
        )
        memory = session.memory()
        check_used(self.target, memory, hello.arena_bytes)
        self.found = replace(self.found, memory=memory)
        self.found = replace(self.found, parity=_parity(session, self.golden))
        kind = self.target.kind
        latency = take_time(session, kind, hello.timer, rule, timer_hz=hello.timer_hz)
        self.found = replace(self.found, latency=latency)
        if images is not None:
            content = self.program.model.content
            taken = take_accuracy(session, content, images, self.settings.streamed)
            self.found = replace(self.found, accuracy=taken)
        if self.settings.profile:
            self.found = replace(self.found, profile=session.profile())
        if memory.stack_peak_bytes is not None:  # by now it has seen whole inferences
            self.found = replace(self.found, memory=session.memory())
        parity = self.found.parity
        if parity is not None and not parity.equal:
            self.found = replace(
                self.found, status="PARITY", failure=_odd_outputs(parity, self.target.kind)
            )


def _parity(session: Session, golden: Golden) -> Parity:
    differing, largest = 0, 0.0
    first: tuple[int, int] | None = None
    for place, (one, wanted) in enumerate(zip(golden.inputs, golden.outputs, strict=True)):
        given = session.infer(one)
        if given.dtype != wanted.dtype or given.size != wanted.size:
            raise TargetError(
                "PROTOCOL",
                f"An output is {given.size} of {given.dtype}, not {wanted.size} of {wanted.dtype}.",
                "The golden outputs belong to another model.",
            )
        odd = np.flatnonzero(_raw(given) != _raw(wanted))
        if odd.size:
            first = first or (place, int(odd[0]))
            apart = np.abs(wanted.ravel().astype(float) - given.ravel().astype(float))
            largest = max(largest, float(np.nan_to_num(apart, nan=0.0, posinf=0.0).max()))
            differing += int(odd.size)
    return Parity(
        inputs=len(golden.inputs),
        elements=int(golden.outputs.size),
        differing=differing,
        first_difference=first,
        largest_difference=largest,
        golden_sha256=golden.sha256,
        random_inputs=golden.made,
    )


def _raw(array: tflm.Array) -> tflm.Array:
    """The elements as integers of their size: equal bytes are equal, also of NaN."""
    return np.ascontiguousarray(array).ravel().view(f"u{array.dtype.itemsize}")


def _odd_outputs(parity: Parity, kind: Kind) -> Failure:
    assert parity.first_difference is not None
    image, element = parity.first_difference
    return Failure(
        "PARITY",
        f"{parity.differing} of {parity.elements} output elements differ from the golden ones,"
        f" by {parity.largest_difference:g} at the most;"
        f" the first is element {element} for input {image}.",
        "The golden outputs are of another model or another tflite-micro."
        if kind == "host"
        else "The library there computes otherwise than TFLM on the host; danas-hil estimate tells"
        " what is known of it.",
    )


def _failed(found: Measurement, error: TargetError) -> Measurement:
    log = None if error.log is None else str(error.log)
    failure = Failure(error.stage, error.what, error.hint, log)
    return replace(found, status=error.stage, failure=failure, recorded_at=_now())


def _unbuilt(target: Target, item: Item, error: DanasError) -> Measurement:
    """A failure before the target had its turn: no file, or TFLM won't make golden outputs."""
    stage: Stage = "RENDER"
    if isinstance(error, tflm.RefusedError):
        stage = "ALLOCATE"
    elif isinstance(error, tflm.CrashedError):
        stage = "FAULT"
    return Measurement(
        model=item.id,
        model_sha256="",
        model_bytes=0,
        target=target.name,
        board=target.board,
        kind=target.kind,
        status=stage,
        recorded_at=_now(),
        build=BuildIdentity("", {}),
        failure=Failure(stage, error.what, error.hint),
    )


def _golden(item: Item, model: ModelFile) -> Golden:
    if item.golden is not None:
        return tflm.read_golden(item.golden)
    return tflm.golden_of_random(model.content, name=model.name)


def _images(item: Item, count: int) -> TestImages | None:
    if not count:
        return None
    if item.test_images is None:
        raise DanasError(
            f"There are no test examples for {item.id}.",
            "Accuracy is taken of candidates of a run.",
        )
    return read_test_images(*item.test_images, count)


def _has(earlier: Measurement, profile: bool, images: TestImages | None) -> bool:
    """Whether a measurement has all that is asked for."""
    known = earlier.accuracy is not None and earlier.accuracy.images_sha256
    return not (profile and earlier.profile is None) and (images is None or known == images.sha256)


def _earlier(item: Item, target: Target, model: ModelFile, golden: Golden) -> Measurement | None:
    """The good measurement of the same build that is there already, if one is."""
    if not item.measurement_file.is_file():
        return None
    try:
        earlier = Measurement.read(item.measurement_file)
    except DanasError:
        return None  # damaged, or of another schema: it is measured anew
    if isinstance(target, Grows):
        target = target.with_arena(earlier.arena_bytes)
    checked = earlier.parity is not None and earlier.parity.golden_sha256 == golden.sha256
    return earlier if earlier.good and earlier.build == target.identity(model) and checked else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
