"""The pytest plugin beside other plugins and conftests: they keep what is theirs."""

from __future__ import annotations

import re

import pytest

pytest_plugins = ["pytester"]

OURS = """
def test_ours(danas_board):
    assert danas_board.board.id == "host"
"""
SHORT = """
def test_short(dut):
    assert dut.board.id == "host"
"""
# A plugin as pytest-embedded is one: it has a fixture `dut` and options of its own.
OTHER_PLUGIN = """
import pytest

@pytest.fixture
def dut():
    return "theirs"

def pytest_addoption(parser):
    parser.getgroup("other").addoption("--board-timeout", type=int, default=3, dest="patience")
"""
OWN_OPTIONS = """
def pytest_addoption(parser):
    parser.addoption("--board", default="theirs")
    parser.addoption("--no-flash", action="store_true", dest="erase")
"""
OWN_FIXTURE = """
import pytest

@pytest.fixture
def dut():
    return "theirs"
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """In a process of its own, as a user's is, without the plugins that it does not need."""
    return pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-rs", *arguments)


@pytest.mark.parametrize("arguments", [("--board", "host"), ("--board=host",)])
@pytest.mark.parametrize("place", [".", "tests"])
def test_the_short_names_work_where_nobody_else_has_them(
    arguments: tuple[str, ...], place: str, pytester: pytest.Pytester
) -> None:
    (pytester.mkdir(place) if place != "." else pytester.path).joinpath("test_it.py").write_text(
        OURS + SHORT
    )
    if place != ".":
        pytester.makeini("[pytest]\ntestpaths = tests")
    result = run(pytester, *arguments)
    result.assert_outcomes(passed=2)
    assert "danas-hil:" not in result.stdout.str()


def test_a_project_that_takes_warnings_for_errors_can_use_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OURS + SHORT)
    pytester.makeini("[pytest]\nfilterwarnings = error")
    run(pytester, "--board", "host").assert_outcomes(passed=2)


def test_a_folder_named_as_a_board_is_not_taken_for_the_tests(pytester: pytest.Pytester) -> None:
    """pytest guesses paths before it knows --board, and loads the conftest.py that is there."""
    pytester.mkdir("host").joinpath("conftest.py").write_text("raise SystemExit('not this one')")
    tests = pytester.mkdir("tests")
    tests.joinpath("conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--mine')\n"
    )
    tests.joinpath("test_it.py").write_text(SHORT)
    pytester.makeini("[pytest]\ntestpaths = tests")
    run(pytester, "--board", "host", "--mine", "3").assert_outcomes(passed=1)


class TestOptionsOfAConftest:
    @pytest.fixture(autouse=True)
    def _project(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest(OWN_OPTIONS)

    def test_they_are_its_own(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            def test_theirs(request):
                assert request.config.getoption("--board") == "uno"
                assert request.config.getoption("erase")
                assert request.config.getoption("danas_board") == []
                assert not request.config.getoption("danas_no_flash")
            """
        )
        run(pytester, "--board", "uno", "--no-flash").assert_outcomes(passed=1)

    def test_ours_go_by_their_long_names(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(OURS + SHORT)
        result = run(pytester, "--danas-board", "host", "--danas-no-flash")
        result.assert_outcomes(passed=2)
        assert "--board is of conftest.py; ours is --danas-board" in result.stdout.str()

    def test_a_skip_names_whose_the_option_is_and_what_ours_is(
        self, pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(SHORT)
        result = run(pytester, "--board", "host")
        result.assert_outcomes(skipped=1)
        text = re.sub(r"\s+", " ", result.stdout.str())
        assert "no --danas-board given, such as --danas-board nano33ble" in text
        assert "(--board is of conftest.py here)" in text


class TestAnotherPluginsFixture:
    @pytest.fixture(autouse=True)
    def _plugin(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(other_plugin=OTHER_PLUGIN)
        pytester.syspathinsert()

    @pytest.mark.parametrize("order", [("-p", "other_plugin"), ("-p", "no:danas_hil")])
    def test_dut_is_theirs_with_and_without_us(
        self, order: tuple[str, ...], pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(
            """
            def test_theirs(dut, request):
                assert dut == "theirs"
                assert request.config.getoption("patience") == 5
            """
        )
        arguments = ("-p", "other_plugin", *order, "--board-timeout", "5")
        run(pytester, *arguments).assert_outcomes(passed=1)

    def test_no_board_changes_their_tests(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_theirs(dut):\n    assert dut == 'theirs'\n" + OURS)
        result = run(pytester, "-v", "-p", "other_plugin", "--board", "host")
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["*::test_theirs PASSED*", "*::test_ours?host? PASSED*"])
        text = result.stdout.str()
        assert "danas-hil: the fixture dut is of other_plugin; ours is danas_board" in text
        assert "--board-timeout is of other_plugin; ours is --danas-board-timeout" in text


@pytest.mark.parametrize("place", ["conftest.py", "sub/conftest.py"])
def test_a_conftests_dut_wins(place: str, pytester: pytest.Pytester) -> None:
    folder = pytester.path / place
    folder.parent.mkdir(exist_ok=True)
    folder.write_text(OWN_FIXTURE)
    (folder.parent / "test_it.py").write_text("def test_it(dut):\n    assert dut == 'theirs'\n")
    run(pytester).assert_outcomes(passed=1)


def test_a_conftest_may_build_its_dut_on_ours(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def dut(danas_board):
            return danas_board.name
        """
    )
    pytester.makepyfile("def test_it(dut):\n    assert dut == 'host'\n")
    run(pytester, "--board", "host").assert_outcomes(passed=1)


def test_without_the_plugin_nothing_of_it_is_there(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(request):\n    assert request.config.option.verbose == 0\n")
    result = run(pytester, "-p", "no:danas_hil")
    result.assert_outcomes(passed=1)
    result = run(pytester, "-p", "no:danas_hil", "--board", "host")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
