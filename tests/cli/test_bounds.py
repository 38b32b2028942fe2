"""Numbers that are a slip of the keyboard are told as such, before they take all memory or time."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from danas_hil.base import DanasError, parse_duration
from danas_hil.board import (
    choose_limits,
    load_board,
    load_device_class,
    parse_latency,
    parse_size,
)
from danas_hil.cli.app import app
from danas_hil.search import SearchSettings
from danas_hil.search.settings import BOUNDS
from tasks.some_tasks import SIGNS


def commands(application: typer.Typer) -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in application.registered_commands:
        assert command.callback is not None
        yield command.callback.__name__, command.callback
    for group in application.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance)


def numbers() -> Iterator[tuple[str, str, Any]]:
    """Every option and argument of every command that takes numbers, with Typer's own record."""
    for name, callback in commands(app):
        for parameter, hint in typing.get_type_hints(callback, include_extras=True).items():
            if parameter == "return":
                continue
            kinds = set(typing.get_args(hint)) | {hint}
            flat = {kind for one in kinds for kind in (one, *typing.get_args(one))}
            if {int, float} & flat or {list[int], list[float]} & flat:
                (told,) = (one for one in hint.__metadata__ if hasattr(one, "min"))
                yield name, parameter, told


def test_every_number_on_the_command_line_has_two_bounds() -> None:
    found = list(numbers())
    assert len(found) > 20, "the walk finds them"
    lacking = [f"{name} --{one}" for name, one, told in found if None in (told.min, told.max)]
    assert not lacking


def test_the_bounds_of_a_search_are_those_of_its_settings() -> None:
    given = {one: (told.min, told.max) for name, one, told in numbers() if name == "search"}
    assert {one: given[one] for one in BOUNDS if one in given} == {
        one: bounds for one, bounds in BOUNDS.items() if one in given
    }


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("wrong", ["below", "above", "nan"])
def test_a_setting_beyond_its_bounds_is_refused_by_name(name: str, wrong: str) -> None:
    least, most = BOUNDS[name]
    value = {"below": least - 1, "above": most + 1, "nan": float("nan")}[wrong]
    settings: dict[str, Any] = {
        "data": "signs",
        "task": SIGNS,
        "trials": 5,
        "supernet_steps": 5,
        name: value,
    }
    with pytest.raises(DanasError, match=rf"--{name.replace('_', '-')} \S+ is too"):
        SearchSettings(**settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--resolutions nan", "no resolution"),
        ("--resolutions 32,inf", "no resolution"),
        ("--resolutions 32.5", "no resolution"),
        ("--resolutions 1000000", "too large"),
        ("--weights 1,1,nan,1,1", "not finite"),
        ("--ram 99999999999999999999MB", "too large a size"),
        ("--flash " + "9" * 400, "too large a size"),
        ("--latency " + "9" * 400 + "s", "too long a latency"),
        ("--time-budget " + "9" * 400 + "h", "too long a duration"),
        ("--lease 9000h", "too long"),
        ("--ram nan", "is not a size"),
        ("--latency inf", "is not a latency"),
        ("--time-budget nan", "is not a duration"),
        ("--board nano33bel", "Did you mean nano33ble"),
        ("--device-class smal", "Did you mean small"),
        ("--sampler nsga", "Did you mean nsga2"),
    ],
)
def test_what_is_no_number_or_name_is_told(arguments: str, message: str) -> None:
    words = ["search", "signs", "--name", "x", *arguments.split(" ")]
    ended = CliRunner().invoke(app, words)
    assert isinstance(ended.exception, DanasError)
    assert message in str(ended.exception)


def test_an_empty_name_is_not_taken_for_no_board() -> None:
    """A script's variable that was not set would else get a verdict about another board."""
    for words in (["estimate", "x.tflite", "--board", ""], ["search", "signs", "--board", ""]):
        ended = CliRunner().invoke(app, words)
        assert isinstance(ended.exception, DanasError), words
        assert "There is no board ''" in str(ended.exception)
    with pytest.raises(DanasError, match="no device class ''"):
        choose_limits(device_class="")
    with pytest.raises(DanasError, match="both set limits"):
        choose_limits("", "small")


def test_a_number_out_of_bounds_is_a_usage_error() -> None:
    for words in (
        "--candidate-steps 0",
        "--crossover-ratio nan",
        "--trials 99999999999",
        "--seed -1",
        "--threads 0",
    ):
        ended = CliRunner().invoke(app, ["search", "signs", *words.split()])
        assert ended.exit_code == 2 or isinstance(ended.exception, DanasError), words


def test_sizes_times_and_names_within_bounds_are_taken() -> None:
    assert parse_size("1048576MB") == 1024**4
    assert parse_latency("86400s") == 86_400e6
    assert parse_duration("8784h") == 366 * 86_400
    assert load_board("host").id == "host"
    assert load_device_class("small").ram_bytes
