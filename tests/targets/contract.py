"""What must hold of every target: a test module of each makes a class of `Contract`.

The subclass gives a fixture `target`, and may give `model` and `other_model` (that the target runs)
and `golden` (what comes of them).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from danas_hil import tflm
from danas_hil.targets import ModelFile, Program, Target, TargetError

MODELS = Path(__file__).resolve().parents[3] / "shared" / "data" / "models"


def public_model(name: str) -> ModelFile:
    """A model of the shared folder; skips the test where it is missing."""
    path = MODELS / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"there is no model {path}")
    return ModelFile(name, path.read_bytes())


class Contract:
    @pytest.fixture
    def target(self) -> Target:
        raise NotImplementedError

    @pytest.fixture
    def model(self) -> ModelFile:
        return public_model("kws_ref_model")

    @pytest.fixture
    def other_model(self) -> ModelFile:
        return public_model("hello_world_int8")

    def golden(self, model: ModelFile, count: int) -> tflm.Golden:
        return tflm.golden_of_random(model.content, count=count)

    @pytest.fixture
    def program(self, target: Target, model: ModelFile, tmp_path: Path) -> Program:
        program = target.build(model, tmp_path)
        target.flash(program)
        return program

    def test_it_has_a_name_a_board_and_a_kind(self, target: Target) -> None:
        assert target.kind in ("host", "emulated", "measured")
        assert target.name.split("@")[0] == target.board

    def test_its_identity_is_of_the_model(
        self, target: Target, model: ModelFile, other_model: ModelFile
    ) -> None:
        assert target.identity(model) == target.identity(ModelFile(model.name, model.content))
        assert target.identity(model).id != target.identity(other_model).id

    def test_the_build_has_the_identity_that_was_foretold(
        self, target: Target, model: ModelFile, program: Program
    ) -> None:
        assert program.identity == target.identity(model)
        assert program.model == model

    def test_what_runs_is_what_was_built(self, target: Target, program: Program) -> None:
        with target.open(program) as session:
            hello = session.identify()
        assert hello.build_id == program.identity.id
        assert hello.board == target.board
        assert hello.tflm_version
        assert hello.timer

    def test_memory_adds_up(self, target: Target, program: Program) -> None:
        with target.open(program) as session:
            memory = session.memory()
            assert session.memory() == memory
        assert memory.arena_used_bytes > 0
        if memory.head_bytes is not None and memory.tail_bytes is not None:
            assert memory.head_bytes + memory.tail_bytes == memory.arena_used_bytes

    def test_outputs_are_the_golden_ones_in_any_order_and_between_timed_runs(
        self, target: Target, program: Program
    ) -> None:
        golden = self.golden(program.model, 3)
        with target.open(program) as session:
            session.memory()
            for place in (0, 2, 1, 0):
                output = session.infer(golden.inputs[place])
                assert output.shape == golden.outputs[place].shape
                assert output.dtype == golden.outputs.dtype
                assert np.array_equal(output, golden.outputs[place])
                session.time(1)

    def test_every_timed_run_is_told(self, target: Target, program: Program) -> None:
        golden = self.golden(program.model, 1)
        with target.open(program) as session:
            session.memory()
            session.infer(golden.inputs[0])
            taken = session.time(3)
        assert len(taken) == 3
        assert min(taken) > 0

    def test_a_profile_is_of_all_operators_or_not_there(
        self, target: Target, program: Program
    ) -> None:
        with target.open(program) as session:
            session.memory()
            profile = session.profile()
        assert profile is None or [one.index for one in profile] == list(range(len(profile)))

    def test_it_opens_again_after_it_was_closed(self, target: Target, program: Program) -> None:
        for _ in range(2):
            with target.open(program) as session:
                assert session.identify().build_id == program.identity.id

    def test_what_is_not_a_model_fails_before_it_runs(self, target: Target, tmp_path: Path) -> None:
        with pytest.raises(TargetError, match="broken") as caught:
            target.build(ModelFile("broken", b"no model at all" * 10), tmp_path)
        assert caught.value.stage == "RENDER"
