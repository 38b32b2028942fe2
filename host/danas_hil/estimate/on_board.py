"""The estimate as a board's own figures make it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from danas_hil.board import Board, Limits
from danas_hil.builds import load_build
from danas_hil.estimate.estimate import Estimate, estimate_graph
from danas_hil.estimate.graph import OperatorGraph
from danas_hil.estimate.latency import LatencyEstimate, LatencyTable, estimate_latency
from danas_hil.estimate.latency_tables import find_table
from danas_hil.estimate.ram import Firmware
from danas_hil.estimate.read import naming, read_graph
from danas_hil.estimate.work import work_of


def estimate_on(
    board: Board,
    subject: bytes | OperatorGraph,
    *,
    name: str = "The model",
    build: str | None = None,
    kernels: str | None = None,
    limits: Limits | None = None,
    rates: LatencyTable | str | None = None,
) -> Estimate:
    """Estimate a .tflite file (its bytes) or a graph that is laid out or read already
    on `board`.

    build, kernels: other than the board's own. What a firmware of the board has told counts for its
    own build only: another one has other code and takes other times. limits: other than the
    board's. rates: of latency, or why there are none, other than those kept for the board now.
    Raises DanasError as `estimate_model` does.
    """
    limits = limits or board.limits
    own = build in (None, board.build) and kernels in (None, board.kernels)
    chosen = load_build(
        build or board.build,
        kernels or (board.kernels if build in (None, board.build) else None),
    )
    firmware = Firmware(
        toolchain=board.toolchain,
        code=board.framework_flash_bytes if own else None,
        static=board.static_ram_bytes if own else None,
        behind=board.static_behind_bytes,
        stack=board.stack_bytes if own else None,
        framework=board.framework_ram_bytes if own else None,
    )
    graph = read_graph(subject, name) if isinstance(subject, bytes) else subject
    with naming(name):
        found = estimate_graph(graph, chosen, core=board.core, limits=limits, firmware=firmware)
    key = hashlib.sha256(subject).hexdigest() if isinstance(subject, bytes) else None
    table = rates or find_table(board, chosen.name, chosen.kernels)
    latency = (
        LatencyEstimate(unknown=table)
        if isinstance(table, str)
        else estimate_latency(work_of(graph), table, key)
    )
    return replace(found, latency=latency, latency_limit=limits.latency_us)
