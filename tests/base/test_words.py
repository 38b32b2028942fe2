"""Hints for words that are nearly right."""

import pytest

from danas_hil.base import did_you_mean, known_or_near

BOARDS = ("nano33ble", "nucleo_f746zg", "qemu-m4", "host")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("nano33bel", "nano33ble"),
        ("nucleo-f746zg", "nucleo_f746zg"),
        ("QEMU_M4", "qemu-m4"),
        ("hots", "host"),
    ],
)
def test_a_slip_of_the_pen_is_understood(word, meant):
    assert did_you_mean(word, BOARDS) == f"Did you mean {meant}?"


@pytest.mark.parametrize("word", ["", "esp32", "x" * 10_000])
def test_nothing_is_made_up_for_a_word_that_is_far_from_all(word):
    assert did_you_mean(word, BOARDS) == ""
    assert known_or_near(word, BOARDS, "Boards").startswith("Boards: nano33ble, nucleo_f746zg")


def test_the_hint_names_the_nearest_and_all_others():
    hint = known_or_near("hots", BOARDS, "Boards")
    assert hint.startswith("Did you mean host? Boards: nano33ble, ")
