"""A model that a board's library computes wrongly is not built, unless that is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from danas_hil.board import load_board
from danas_hil.targets import (
    FirmwareTarget,
    HostTarget,
    ModelFile,
    QemuDevice,
    Sizes,
    TargetError,
    firmware,
)
from estimate.operator_models import binary, dense

WRONG = ModelFile("per_channel", dense(scales=4))
DEVICE = QemuDevice(load_board("qemu-m4"))


def test_it_is_refused_before_it_is_built_with_the_converters_switch(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="per_channel comes out wrong on qemu-m4") as failure:
        FirmwareTarget(DEVICE).build(WRONG, tmp_path)
    assert failure.value.stage == "RENDER"
    assert "disable_per_channel_quantization_for_dense_layers" in failure.value.hint
    assert "--accept-wrong-outputs" in failure.value.hint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "accepted"), [(WRONG, True), (ModelFile("inexact", binary("SUB")), False)]
)
def test_it_is_built_where_that_is_accepted_or_it_is_only_inexact(
    model: ModelFile, accepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware, "build_into", lambda *_: Sizes(900, 500, {}))
    target = FirmwareTarget(DEVICE, accept_wrong_outputs=accepted)
    assert target.build(model, tmp_path).sizes == Sizes(900, 500, {})


def test_the_host_computes_it_right(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="needs the extra host")
    assert HostTarget().build(WRONG, tmp_path).model == WRONG
