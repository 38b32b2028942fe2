"""danas-hil pick: a few candidates that stand for the whole front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from danas_hil.board import choose_limits, format_size, load_board
from danas_hil.cli.options import RunArgument
from danas_hil.cli.running import lacking
from danas_hil.cli.show import (
    JsonOption,
    console,
    latency_note,
    milliseconds,
    milliseconds_title,
    note,
    percent,
    print_json,
    say,
    table,
    tell_board,
)
from danas_hil.cli.verdicts import Ending, UnknownOption, ending_of, leave, worst

if TYPE_CHECKING:  # imported where they are used: they load numpy, and --help is to be quick
    from danas_hil.run import Front, Picks


def register(app: typer.Typer) -> None:
    app.command()(pick)


def pick(
    run: RunArgument,
    k: Annotated[int, typer.Option("--k", help="So many candidates.", min=1, max=10_000)] = 5,
    board: Annotated[
        str | None,
        typer.Option(help="Board whose limits hold, and for which memory is estimated."),
    ] = None,
    device_class: Annotated[
        str | None, typer.Option(help="Device class whose limits hold: small, medium, large.")
    ] = None,
    ram: Annotated[str | None, typer.Option(help="RAM of the whole firmware, as 256kB.")] = None,
    flash: Annotated[str | None, typer.Option(help="Flash of the whole firmware, as 1MB.")] = None,
    latency: Annotated[
        str | None, typer.Option(help="Time of one inference, estimated, as 200ms.")
    ] = None,
    unknown: UnknownOption = None,
    json: JsonOption = False,
) -> None:
    """Choose the candidates of a front that cover it best, within a board's limits.

    Each pick adds the most hypervolume (accuracy, RAM, flash) to those before it.
    Without a board or class the limits of the search hold, with what --ram,
    --flash and --latency change. The picks are kept in the run; train, export and
    flash take them. Exit code 1: nothing fits; 3: a board or a limit was named,
    and whether all picks keep it is not known.

    [bold]Examples[/bold]

      danas-hil pick runs/demo --k 5

      danas-hil pick runs/demo --k 3 --board nano33ble

      danas-hil pick runs/demo --ram 128kB --flash 512kB

      danas-hil pick runs/demo --board qemu-m4 --latency 200ms
    """
    from danas_hil.run import RunFolder
    from danas_hil.search.selection import pick_from_front

    folder = RunFolder.open(run)
    front = folder.front()
    limits = choose_limits(board, device_class, ram, flash, latency, usual=front.limits)
    named = None if board is None else tell_board(load_board(board))
    picks = pick_from_front(folder, k, limits, named)
    if picks.picked:
        folder.write_picks(picks)
    if json:
        print_json({"run": str(run), **picks.to_json()})
    elif picks.picked:
        _show(front, picks)
        say(
            f"Kept in {folder.picks_file}.",
            f"Next: danas-hil flash {run} --board {board or 'NAME'}",
        )
    if not picks.picked:
        note(f"None of the {len(front.candidates)} candidates fits {limits}: nothing was picked.")
        leave(Ending.FAILED)
    asked = any(given is not None for given in (board, device_class, ram, flash, latency))
    leave(worst(ending_of(one.fits, asked=asked, unknown=unknown) for one in picks.picked))


def _show(front: Front, picks: Picks) -> None:
    genomes = {candidate.id: candidate.genome for candidate in front.candidates}
    covered, rows = 0.0, []
    for pick in picks.picked:
        covered += pick.gain
        share = covered / picks.hypervolume if picks.hypervolume else 0.0
        rows.append(
            (
                pick.id,
                genomes[pick.id].data.short,
                genomes[pick.id].arch.short,
                percent(pick.accuracy),
                format_size(pick.ram_bytes),
                format_size(pick.flash_bytes),
                *((milliseconds(pick.latency_us),) if picks.latency_source else ()),
                percent(share),
            )
        )
    columns = ["id", "data", "network", ">val int8", ">RAM", ">flash", ">covered"]
    if picks.latency_source:
        columns.insert(-1, milliseconds_title(picks.latency_band))
    console().print(table(columns, rows))
    memory = f"the exact model on {picks.board}" if picks.board else f"{front.memory_model} model"
    say(
        "",
        f"RAM and flash: estimated ({memory}){_more(front, picks)}.",
        f"Limits: {picks.limits}.",
        *latency_note(picks.latency_source, picks.latency_complete),
        *_open(picks),
        f"covered: hypervolume so far, of that of all that fits ({picks.hypervolume:.3f}).",
    )


def _more(front: Front, picks: Picks) -> str:
    """That the bytes shown are the least that is possible, where more of them are."""
    if picks.board:
        return "; at least: danas-hil estimate tells how much more"
    return lacking([one.estimate["totals"] for one in front.candidates if one.id in picks.ids])


def _open(picks: Picks) -> list[str]:
    """Which picks may break a limit that their estimate does not break for certain."""
    unknown = [pick.id for pick in picks.picked if pick.fits is None]
    if not unknown:
        return []
    which = "all" if len(unknown) == len(picks.picked) else ", ".join(unknown)
    return [f"Whether they keep the limits for certain is not known of {which}."]
