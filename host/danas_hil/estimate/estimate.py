"""The front door: one estimate of arena, flash and RAM for a model or a genome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from danas_hil.board import Limits
from danas_hil.builds import Build
from danas_hil.estimate.arena import ArenaEstimate, estimate_arena
from danas_hil.estimate.flash import FlashEstimate, estimate_flash
from danas_hil.estimate.graph import OperatorGraph
from danas_hil.estimate.held import Held
from danas_hil.estimate.latency import LatencyEstimate
from danas_hil.estimate.layout import lay_out
from danas_hil.estimate.lines import Line, all_fit
from danas_hil.estimate.outputs import OutputFault, output_faults
from danas_hil.estimate.ram import Firmware, RamEstimate, estimate_ram
from danas_hil.estimate.read import naming, read_graph
from danas_hil.space import Genome

_NOTHING_KNOWN = Firmware()
_NO_LIMITS = Limits()
NO_LATENCY = LatencyEstimate(unknown="latency is that of a board")


@dataclass(frozen=True)
class Estimate:
    """What a model takes in a build, and whether that fits.

    operators: the builtin names of those it has, sorted. ram_limit, flash_limit: bytes, None for
    no limit; latency_limit: microseconds. latency: of the board, unknown where none is meant.
    faults: what the build is known to compute wrongly of it.
    fits, fits_ram, fits_flash, fits_latency: None where a figure is missing that decides. A model
    whose outputs come out wrong does not fit, however small it is; reasons: what fails.
    """

    build: str
    kernels: str
    operators: tuple[str, ...]
    arena: ArenaEstimate
    flash: FlashEstimate
    ram: RamEstimate
    ram_limit: int | None
    flash_limit: int | None
    latency: LatencyEstimate = NO_LATENCY
    latency_limit: float | None = None
    faults: tuple[OutputFault, ...] = ()

    @property
    def fits_ram(self) -> bool | None:
        return self.held["ram"].fits

    @property
    def fits_flash(self) -> bool | None:
        return self.held["flash"].fits

    @property
    def fits_latency(self) -> bool | None:
        return self.held["latency"].fits

    @property
    def fits(self) -> bool | None:
        return all_fit(tuple(self._verdicts.values()))

    @property
    def fits_outputs(self) -> bool:
        return all(fault.severity != "wrong" for fault in self.faults)

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(what for what, fits in self._verdicts.items() if fits is False)

    @property
    def _verdicts(self) -> Mapping[str, bool | None]:
        return {
            **{what: one.fits for what, one in self.held.items()},
            "outputs": self.fits_outputs,
        }

    @property
    def held(self) -> dict[str, Held]:
        """RAM, flash and latency, each against its limit."""
        latency = self.latency
        return {
            "ram": _held(self.ram.total, self.ram.lines, self.ram_limit),
            "flash": _held(self.flash.total, self.flash.lines, self.flash_limit),
            "latency": Held(
                latency.total_us,
                latency.least_us,
                latency.most_us,
                self.latency_limit,
                latency.unknown,
            ),
        }

    def to_json(self) -> dict[str, Any]:
        """`fits` is true, false or "unknown". total_bytes: the best figure, null where a line has
        none; least_bytes, most_bytes: what is certain of it, most null where nothing says so.
        verdicts: each figure against its limit, and why one is not known.
        """
        return {
            "build": self.build,
            "kernels": self.kernels,
            "arena": self.arena.to_json(),
            "flash": {
                **_total(self.flash.total),
                "model_bytes": self.flash.model_bytes,
                "code_bytes": self.flash.code_bytes,
            },
            "ram": _total(self.ram.total),
            "latency": self.latency.to_json(),
            "fits": "unknown" if self.fits is None else self.fits,
            "reasons": list(self.reasons),
            "outputs": [fault.to_json() for fault in self.faults],
            "verdicts": {what: one.to_json() for what, one in self.held.items()},
            "limits": {
                "ram_bytes": self.ram_limit,
                "flash_bytes": self.flash_limit,
                "latency_us": self.latency_limit,
            },
            "operators": list(self.operators),
            "breakdown": {
                "arena": dict(self.arena.by_cause),
                "flash": [line.to_json() for line in self.flash.lines],
                "ram": [line.to_json() for line in self.ram.lines],
            },
            "plan": [asdict(buffer) for buffer in self.arena.plan],
        }


def _total(line: Line) -> dict[str, int | None]:
    return {"total_bytes": line.bytes, "least_bytes": line.least, "most_bytes": line.most}


def _held(total: Line, lines: Sequence[Line], limit: int | None) -> Held:
    lacking = [line.name for line in lines if line.bytes is None or line.most is None]
    told = f"no figure of {', '.join(lacking)} yet: a build for the board will tell"
    return Held(total.bytes, total.least, total.most, limit, told if lacking else "")


def estimate_model(
    content: bytes,
    build: Build,
    *,
    name: str = "The model",
    core: str | None = None,
    limits: Limits = _NO_LIMITS,
    firmware: Firmware = _NOTHING_KNOWN,
) -> Estimate:
    """Estimate a .tflite file from its bytes; `name` is what errors call it.

    core: the board's, such as cortex-m4f, refused where the kernels would behave otherwise there.
    limits: of the whole firmware; that of latency is not held, which is a board's. Raises
    DanasError for a damaged file, and for one that the memory model does not cover, naming what.
    """
    with naming(name):
        return estimate_graph(
            read_graph(content, name), build, core=core, limits=limits, firmware=firmware
        )


def estimate_genome(
    genome: Genome,
    classes: int,
    build: Build,
    *,
    core: str | None = None,
    limits: Limits = _NO_LIMITS,
    firmware: Firmware = _NOTHING_KNOWN,
    clear_names: bool = True,
) -> Estimate:
    """Estimate the file that `genome` converts to, without converting it.

    As `estimate_model`; clear_names: whether the file is without tensor names. Raises DanasError
    for an infeasible genome.
    """
    graph = lay_out(genome, classes, clear_names=clear_names)
    return estimate_graph(graph, build, core=core, limits=limits, firmware=firmware)


def estimate_graph(
    graph: OperatorGraph,
    build: Build,
    *,
    core: str | None = None,
    limits: Limits = _NO_LIMITS,
    firmware: Firmware = _NOTHING_KNOWN,
) -> Estimate:
    """Estimate a graph that is read or laid out already; else as `estimate_model`."""
    if core is not None:
        build.check_core(core)
    arena = estimate_arena(graph, build)
    operators = frozenset(operator.kind for operator in graph.operators)
    toolchain = firmware.toolchain
    return Estimate(
        build=build.name,
        kernels=build.kernels,
        operators=tuple(sorted(operators)),
        arena=arena,
        flash=estimate_flash(
            graph.file_bytes, operators, build, toolchain=toolchain, firmware=firmware.code
        ),
        ram=estimate_ram(arena.minimum_bytes, firmware, build.code.get(toolchain), operators),
        ram_limit=limits.ram_bytes,
        flash_limit=limits.flash_bytes,
        faults=output_faults(graph, build),
    )
