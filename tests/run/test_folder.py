import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danas_hil.base import DanasError, write_json
from danas_hil.board import Limits
from danas_hil.families.mobilenet_v2 import MobileNetV2
from danas_hil.run import Candidate, Evaluation, Front, RunFolder
from danas_hil.run.folder import FORMAT
from danas_hil.run.records import SCHEMA
from danas_hil.signals.image import ImageConfig
from danas_hil.space import Genome
from danas_hil.tasks import Scores
from strategies import genomes
from tasks.some_tasks import PERSON, tasks

GENOME = Genome(ImageConfig(32, "rgb"), MobileNetV2(1, 1, 0, 0, 0, 0.5))
SCORES = Scores(0.75, 0.5, 1.0, 40)
FRONT = Front(
    task=PERSON,
    run="first",
    limits=Limits(262144, None, "nano"),
    memory_model="paper",
    candidates=(
        Candidate(
            id=GENOME.id,
            genome=GENOME,
            evaluation=0,
            fitness=2.25,
            scores={"int8_validation": SCORES, "int8_test": SCORES, "float_test": SCORES},
            estimate={"totals": {"ram_bytes": 100_000, "flash_bytes": 50_000}},
            groups={"coco": SCORES},
        ),
    ),
    chosen=GENOME.id,
    evaluations=(
        Evaluation(0, GENOME, "complete", 100_000, 50_000, SCORES, 2.25, True, True, 0.3, 12.5),
        Evaluation(1, GENOME, "failed", None, None, reason="a bad image"),
    ),
)

_fractions = st.floats(0, 1)
_counted = Scores.of([0, 1, 1], [0, 0, 1], PERSON)
_scores = st.just(_counted) | st.builds(
    Scores,
    *(_fractions, _fractions, _fractions, st.integers(1, 10**6)),
    macro_f1=st.none() | _fractions,
    metric=st.none() | _fractions,
)
_bytes = st.integers(0, 2**31)
_sizes = st.none() | _bytes
_evaluations = st.builds(
    Evaluation,
    index=st.integers(0, 10**6),
    genome=genomes(),
    outcome=st.sampled_from(["complete", "infeasible", "failed"]),
    ram_bytes=_sizes,
    flash_bytes=_sizes,
    scores=st.none() | _scores,
    fitness=st.none() | st.floats(-10, 10),
    feasible=st.booleans(),
    pareto=st.booleans(),
    seconds=st.floats(0, 1e6),
    elapsed_seconds=st.floats(0, 1e6),
    reason=st.text(),
)
_totals = st.fixed_dictionaries({"ram_bytes": _bytes, "flash_bytes": _bytes})
_candidates = st.builds(
    lambda genome, **others: Candidate(id=genome.id, genome=genome, **others),
    genome=genomes(),
    evaluation=st.integers(0, 10**6),
    fitness=st.floats(-10, 10),
    scores=st.fixed_dictionaries(
        {"int8_validation": _scores, "int8_test": _scores}, optional={"float_test": _scores}
    ),
    estimate=st.fixed_dictionaries(
        {"totals": _totals, "others": st.dictionaries(st.text(), _sizes)}
    ),
    groups=st.dictionaries(st.text(), _scores),
)
_fronts = st.builds(
    Front,
    run=st.text(),
    task=tasks(),
    limits=st.builds(Limits, st.none() | st.integers(1024, 2**30), origin=st.text()),
    memory_model=st.text(),
    candidates=st.lists(_candidates, max_size=3).map(tuple),
    chosen=st.none() | st.text(),
    evaluations=st.lists(_evaluations, max_size=3).map(tuple),
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs" / "first", {"seed": 1})


def test_a_new_run_opens_again_with_its_settings(tmp_path: Path) -> None:
    config = {"seed": 7, "space": {"alpha": [0.1, 0.5]}, "data": {"path": "ä b"}}
    made = RunFolder.create(tmp_path / "runs" / "first", config)
    opened = RunFolder.open(tmp_path / "runs" / "first")
    assert opened == made
    assert opened.config() == config
    assert opened.name == "first"


def test_the_name_of_a_run_is_its_folder_also_from_within(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.path)
    assert RunFolder.open(Path()).name == "first"


def test_a_run_is_never_made_over_something_else(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(DanasError, match=r"something at .*first already.*resume .*first"):
        RunFolder.create(run.path, {"seed": 2})
    assert run.config() == {"seed": 1}
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DanasError, match="something at"):
        RunFolder.create(tmp_path / "file", {})
    (tmp_path / "empty").mkdir()
    assert RunFolder.create(tmp_path / "empty", {}).config() == {}


def test_what_is_not_a_run_is_not_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(DanasError, match=r"is not a run.*danas-hil search"):
            RunFolder.open(path)


def test_a_damaged_config_is_named(run: RunFolder) -> None:
    run.config_file.write_text("seed = ")
    with pytest.raises(DanasError, match=r"config\.toml can't be read"):
        run.config()


@given(_fronts)
def test_a_front_comes_back_from_json(front: Front) -> None:
    assert Front.from_json(json.loads(json.dumps(front.to_json()))) == front


def test_a_front_comes_back_from_its_run(run: RunFolder) -> None:
    run.write_front(FRONT)
    assert run.front() == FRONT
    assert RunFolder.open(run.path).front() == FRONT


@pytest.mark.parametrize("rows", ["candidates", "evaluations"])
@pytest.mark.parametrize("id_", ["../../outside", "5860A056", "5860a056\n", "5860a0561"])
def test_an_id_is_no_name_of_another_folder(run: RunFolder, rows: str, id_: str) -> None:
    value = FRONT.to_json()
    value[rows][0]["id"] = id_
    write_json(run.front_file, value)
    with pytest.raises(DanasError, match="no id of a genome"):
        run.front()


def test_what_an_older_version_called_a_genome_stays_its_id(run: RunFolder) -> None:
    value = FRONT.to_json()
    value["candidates"][0]["id"] = value["evaluations"][0]["id"] = value["chosen"] = "0123abcd"
    write_json(run.front_file, value)
    front = run.front()
    assert front.candidates[0].id == front.evaluations[0].id == "0123abcd"
    assert front.to_json() == value


def test_a_run_without_a_front_says_how_to_get_one(run: RunFolder) -> None:
    with pytest.raises(DanasError, match=r"no file .*front\.json.*danas-hil resume .*first"):
        run.front()


@pytest.mark.parametrize("schema", [str(SCHEMA), None, 0, True, 1.0])
def test_a_front_whose_schema_is_no_number_is_damaged(run: RunFolder, schema: Any) -> None:
    write_json(run.front_file, FRONT.to_json() | {"schema": schema})
    with pytest.raises(DanasError, match=rf"front\.json is damaged: its schema is {schema!r}"):
        run.front()


def test_a_front_of_a_newer_schema_is_refused(run: RunFolder) -> None:
    write_json(run.front_file, FRONT.to_json() | {"schema": SCHEMA + 1})
    with pytest.raises(DanasError, match=rf"front\.json has schema {SCHEMA + 1}.* newer danas-hil"):
        run.front()


def test_a_config_says_its_format_and_a_newer_one_is_refused(run: RunFolder) -> None:
    assert f"format = {FORMAT}\n" in run.config_file.read_text()
    run.config_file.write_text(f"format = {FORMAT + 1}")
    with pytest.raises(DanasError, match=rf"toml has format {FORMAT + 1}.* newer danas-hil"):
        run.config()


@pytest.mark.parametrize("content", ["", "[]", "null", '{"schema": 1', "\x00"])
def test_a_damaged_front_is_named(run: RunFolder, content: str) -> None:
    run.front_file.write_text(content)
    with pytest.raises(DanasError, match=r"front\.json (is damaged|can't be read)"):
        run.front()


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every key of a JSON value, at any depth."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in pairs:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found += _places(inner, (*path, key))
    return found


_OPTIONAL = {"schema", "positive", "metric", "float_test", "coco", "groups", "finetune_steps"}
"""They have defaults, wherever they stand."""
_OPTIONAL_IN = {
    "limits": {"ram_bytes", "flash_bytes", "origin", "latency_us"},
    "evaluations": {"id", "scores", "fitness", "feasible", "pareto", "seconds", "elapsed_seconds"}
    | {"reason", "latency_us"},
}


@pytest.mark.parametrize("place", _places(FRONT.to_json()), ids=lambda p: "-".join(map(str, p)))
def test_a_front_that_lacks_a_part_is_refused_or_read_never_crashed_on(
    place: tuple[Any, ...],
) -> None:
    value = json.loads(json.dumps(FRONT.to_json()))
    parent = value
    for key in place[:-1]:
        parent = parent[key]
    whole = parent[place[-1]]
    whose = _OPTIONAL_IN.get(place[0], set()) if len(place) <= 3 else set()
    optional = isinstance(place[-1], int) or place[-1] in _OPTIONAL | whose | {"evaluations"}
    for wrong in ([1], {"a": 1}, "text"):
        parent[place[-1]] = wrong
        _read_or_refuse(value)
    parent[place[-1]] = whole
    del parent[place[-1]]
    if optional:
        _read_or_refuse(value)
    else:
        with pytest.raises(DanasError):
            Front.from_json(value)


def _read_or_refuse(value: Any) -> None:
    with contextlib.suppress(DanasError):
        assert isinstance(Front.from_json(value), Front)


def test_files_of_a_run_stand_where_its_layout_says(run: RunFolder) -> None:
    assert run.measured("ab12", "nano33ble@7") == run.path / "candidates" / "ab12" / "nano33ble@7"
    names = (run.config_file, run.study_file, run.front_file, run.test_images_file)
    assert [file.name for file in names] == [
        "config.toml",
        "study.db",
        "front.json",
        "test-images.npz",
    ]


def test_measurements_are_found_by_candidate_and_target(run: RunFolder) -> None:
    assert run.measurements() == {}
    for id_, target in (("b", "host"), ("a", "nano33ble@7"), ("a", "host")):
        write_json(run.measured(id_, target) / "measurement.json", {"at": f"{id_} {target}"})
    places = [("a", "host"), ("a", "nano33ble@7"), ("b", "host")]
    assert list(run.measurements().items()) == [
        (place, run.measured(*place) / "measurement.json") for place in places
    ]


def test_what_is_being_replaced_has_no_measurements(run: RunFolder) -> None:
    write_json(run.measured(".part-old-a", "host") / "measurement.json", {})
    assert run.measurements() == {}


def test_a_creation_that_was_killed_can_be_done_again(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / ".part-x.toml").write_text("half")
    RunFolder.create(tmp_path / "first", {"seed": 1})
    with pytest.raises(DanasError, match="There is something at"):
        RunFolder.create(tmp_path / "first", {"seed": 1})
