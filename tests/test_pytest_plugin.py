"""The pytest plugin, as the tests of a user's own project meet it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from board.small_model import small_golden, small_model
from danas_hil.tflm import write_golden

pytest_plugins = ["pytester"]

NEEDS_A_BOARD = """
def test_it(dut):
    assert dut.name == dut.board.id
"""
# A board that measures nothing and says so: what flash does with it is what is under test.
CANNED = """
import danas_hil.measure
from danas_hil.measure import Failure, Measurement
from danas_hil.targets import BuildIdentity

flashed = []

def measure_candidate(target, model, golden, folder, settings):
    flashed.append((model.name, target.name, settings.flash))
    failure = Failure(STATUS, "of a reason", "Do this.", "some.log") if STATUS != "OK" else None
    return Measurement(model.name, model.sha256, 1, target.name, target.board, target.kind,
                       STATUS, "now", BuildIdentity("ab", {}), failure)

danas_hil.measure.measure_candidate = measure_candidate
"""


def skips(result: pytest.RunResult) -> str:
    return "\n".join(line for line in result.outlines if line.startswith("SKIPPED"))


@pytest.fixture(autouse=True)
def _processes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session within ours would drop the modules that it was first to load, and tests after it
    would replace functions of other modules than those that are used."""
    monkeypatch.setattr(pytest.Pytester, "runpytest", pytest.Pytester.runpytest_subprocess)


@pytest.fixture
def model(pytester: pytest.Pytester) -> Path:
    """A model that TensorFlow Lite Micro runs, with its golden outputs beside it."""
    path = pytester.path / "little.tflite"
    path.write_bytes(small_model())
    write_golden(pytester.path / "golden.npz", small_golden())
    return path


class TestWithoutBoards:
    def test_a_skip_says_what_to_give(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(NEEDS_A_BOARD)
        result = pytester.runpytest("-rs")
        result.assert_outcomes(skipped=1)
        assert "no --board given, such as --board nano33ble" in skips(result)

    def test_a_session_that_does_not_use_it_loads_nothing_of_it(
        self, pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(
            """
            import sys

            import pytest

            @pytest.mark.board(3)
            @pytest.mark.hardware("anything", of=1)
            def test_with_markers_of_its_own():
                loaded = {name.split(".")[0] for name in sys.modules}
                assert not {"numpy", "tensorflow", "serial", "jinja2", "tflite"} & loaded
                rooms = {n.split(".")[1] for n in sys.modules if n.startswith("danas_hil.")}
                assert rooms == {"base", "pytest_plugin"}
            """
        )
        result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
        result.assert_outcomes(passed=1)

    def test_its_options_are_explained(self, pytester: pytest.Pytester) -> None:
        text = pytester.runpytest("--help").stdout.str()
        for option in ("board=NAME", "hardware-map=FILE", "board-timeout=", "no-flash"):
            assert f"--{option}" in text
            assert f"--danas-{option}" in text
        assert "danas_boards" in text
        markers = pytester.runpytest("--markers").stdout.str()
        assert "@pytest.mark.board(name, ...)" in markers


class TestChoosing:
    def test_a_test_runs_once_for_each_board(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(NEEDS_A_BOARD)
        result = pytester.runpytest("-v", "--board", "host", "--board", "host")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*test_it?host?*PASSED*"])

    def test_boards_of_the_settings_file_stand_in(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(NEEDS_A_BOARD)
        pytester.makeini("[pytest]\ndanas_boards = host")
        pytester.runpytest().assert_outcomes(passed=1)

    @pytest.mark.parametrize(
        ("marker", "reason"),
        [
            ("hardware", "for real boards, and host is this computer"),
            ("emulated", "for emulated boards, and host is this computer"),
            ("board('nano33ble', 'qemu-m4')", "for the board nano33ble or qemu-m4, not host"),
        ],
    )
    def test_a_marker_passes_over_other_boards_and_says_why(
        self, marker: str, reason: str, pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(f"import pytest\n@pytest.mark.{marker}{NEEDS_A_BOARD}")
        result = pytester.runpytest("-rs", "--board", "host")
        result.assert_outcomes(skipped=1)
        assert reason in skips(result)

    @pytest.mark.parametrize("marker", ["board('host')", "board('nano33ble', 'host')"])
    def test_a_marker_that_names_the_board_lets_it_run(
        self, marker: str, pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(f"import pytest\n@pytest.mark.{marker}{NEEDS_A_BOARD}")
        pytester.runpytest("--board", "host").assert_outcomes(passed=1)

    @pytest.mark.parametrize(
        ("marker", "message"),
        [
            ("board", "test_it: the marker is board"),
            ("board('nano')", "there is no board 'nano'; boards:*nano33ble"),
            ("board(name='host')", "the marker is board"),
            ("hardware(1)", "the marker hardware takes no arguments"),
        ],
    )
    def test_a_marker_that_is_wrong_ends_the_session(
        self, marker: str, message: str, pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(f"import pytest\n@pytest.mark.{marker}{NEEDS_A_BOARD}")
        result = pytester.runpytest()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*{message}*"])

    def test_a_board_that_is_none_ends_the_session(self, pytester: pytest.Pytester) -> None:
        result = pytester.runpytest("--board", "uno")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*There is no board 'uno'*"])

    def test_missing_tools_of_a_board_that_was_asked_for_are_a_failure(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was asked for by name: a green session would be a lie."""
        monkeypatch.setenv("PATH", str(pytester.path))
        pytester.makepyfile(NEEDS_A_BOARD)
        result = pytester.runpytest("--board", "qemu-m4")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            [
                "*qemu-m4 needs qemu-system-arm and arm-none-eabi-g++, not on PATH."
                " `danas-hil doctor`*"
            ]
        )

    def test_missing_tools_of_a_board_of_the_settings_file_are_a_skip(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(pytester.path))
        pytester.makeini("[pytest]\ndanas_boards = qemu-m4")
        pytester.makepyfile(NEEDS_A_BOARD)
        result = pytester.runpytest("-rs")
        result.assert_outcomes(skipped=1)
        assert "qemu-m4 needs qemu-system-arm and arm-none-eabi-g++, not on PATH" in skips(result)

    def test_a_board_that_is_not_connected_fails(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(NEEDS_A_BOARD)
        result = pytester.runpytest("--board", "nano33ble@no-such-number")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*nano33ble@no-such-number*is not connected*"])

    @pytest.mark.parametrize(("option", "seconds"), [((), (20, None)), (("7",), (7, 7))])
    def test_the_timeout_is_also_for_the_port_and_the_first_answer(
        self, option: tuple[str, ...], seconds: tuple[object, ...], pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(
            f"""
            def test_it(dut):
                target = dut._target(0)
                assert (target.device.seconds, target.boot_seconds) == {seconds}
            """
        )
        address = "nano33ble@socket://127.0.0.1:9"  # which nobody opens here
        arguments = [f"--board-timeout={one}" for one in option]
        pytester.runpytest("--board", address, *arguments).assert_outcomes(passed=1)


class TestFlashing:
    def test_a_model_is_measured_and_its_figures_are_in_the_report(
        self, pytester: pytest.Pytester, model: Path
    ) -> None:
        if importlib.util.find_spec("tflite_micro") is None:  # imported in the other process only
            pytest.skip("needs the extra host")
        pytester.makepyfile(
            f"""
            def test_it(dut):
                found = dut.flash({str(model)!r}, golden="golden.npz")
                assert found.memory.arena_used_bytes < 4096
                assert found.latency.median_us > 0
                assert found.parity.equal
                assert dut.flash({str(model)!r}, golden="golden.npz") is found
            """
        )
        result = pytester.runpytest("--board", "host", "--junitxml=report.xml")
        result.assert_outcomes(passed=1)
        report = ElementTree.parse(pytester.path / "report.xml")
        told = {one.get("name"): one.get("value") for one in report.iter("property")}
        assert told["little@host.kind"] == "host"
        assert told["little@host.outputs_equal"] == "True"
        assert int(told["little@host.arena_used_bytes"] or 0) > 500
        assert float(told["little@host.latency_us"] or 0) > 0

    @pytest.mark.parametrize("status", ["OK", "PARITY", "FAULT"])
    def test_what_prevents_a_measurement_fails_the_test_with_its_reason(
        self, status: str, pytester: pytest.Pytester, model: Path
    ) -> None:
        pytester.makeconftest(f"STATUS = {status!r}\n{CANNED}")
        pytester.makepyfile(
            f"""
            def test_it(dut):
                assert dut.flash({str(model)!r}, golden="golden.npz").status == {status!r}
            """
        )
        result = pytester.runpytest("--board", "host")
        if status != "FAULT":  # outputs that differ are for the test to judge
            result.assert_outcomes(passed=1)
            return
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*host: FAULT: of a reason Do this. Log: some.log*"])

    @pytest.mark.parametrize("option", ["", "--no-flash"])
    def test_no_flash_leaves_on_the_board_what_runs_there(
        self, option: str, pytester: pytest.Pytester, model: Path
    ) -> None:
        pytester.makeconftest(f"STATUS = 'OK'\n{CANNED}")
        pytester.makepyfile(
            f"""
            import conftest

            def test_it(dut):
                for _ in range(2):
                    dut.flash({str(model)!r}, golden="golden.npz")
                assert conftest.flashed == [("little", "host", {not option})]
            """
        )
        pytester.runpytest("--board", "host", *option.split()).assert_outcomes(passed=1)

    def test_a_model_that_is_not_there_is_told(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(dut):\n    dut.flash('gone.tflite')")
        result = pytester.runpytest("--board", "host")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*There is no file gone.tflite*"])

    def test_this_computer_has_no_self_test(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(dut):\n    dut.selftest()")
        result = pytester.runpytest("-rs", "--board", "host")
        result.assert_outcomes(skipped=1)
        assert "host runs no firmware" in skips(result)


def test_importing_the_plugin_is_quick_because_of_what_it_leaves_out() -> None:
    code = "import sys, danas_hil.pytest_plugin; print(*(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "pytest" in loaded
    assert not {"numpy", "tensorflow", "keras", "serial", "typer", "tflite"} & set(loaded)
