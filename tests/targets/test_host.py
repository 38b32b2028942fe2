"""The host as a target."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from danas_hil.targets import HostTarget, ModelFile, Target, TargetError
from processes import below

from .contract import Contract, public_model

pytest.importorskip("tflite_micro", reason="needs the extra host")


class TestHost(Contract):
    @pytest.fixture
    def target(self) -> Target:
        return HostTarget()


def test_the_arena_is_told_with_its_classes(tmp_path: Path) -> None:
    target = HostTarget()
    build = target.build(public_model("kws_ref_model"), tmp_path)
    with target.open(build) as session:
        memory = session.memory()
    assert (memory.arena_used_bytes, memory.head_bytes) == (24272, 16000)
    assert "NodeAndRegistration struct" in {one.name for one in memory.classes}


def test_a_model_that_tflm_refuses_fails_when_it_allocates(tmp_path: Path) -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    content = schema.ModelT.InitFromPackedBuf(public_model("hello_world_int8").content)
    content.operatorCodes[0].builtinCode = schema.BuiltinOperator.UNIQUE
    content.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.UNIQUE
    builder = flatbuffers.Builder(4096)
    builder.Finish(content.Pack(builder), b"TFL3")
    target = HostTarget()
    build = target.build(ModelFile("odd", bytes(builder.Output())), tmp_path)
    with pytest.raises(TargetError, match="UNIQUE") as caught, target.open(build):
        pass
    assert caught.value.stage == "ALLOCATE"


def test_a_process_that_ends_is_a_fault(tmp_path: Path) -> None:
    target = HostTarget()
    build = target.build(public_model("kws_ref_model"), tmp_path)
    with target.open(build) as session:
        (worker,) = below(session._loaded._child.pid)
        os.kill(worker, signal.SIGSEGV)
        with pytest.raises(TargetError, match="SIGSEGV") as caught:
            session.memory()
    assert caught.value.stage == "FAULT"
