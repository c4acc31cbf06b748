"""A record: one list of fields with an evaluation; records of the schema before are read."""

from __future__ import annotations

import csv
import json

import pytest

from gfopt.records.evaluation import Evaluation
from gfopt.records.record import SCHEMA, Record, Status, TargetResult
from gfopt.records.store import read_record, write_history
from tests.record_factory import history, missed, record


def test_an_evaluation_is_the_header_of_history_csv(tmp_path):
    write_history(tmp_path, history([1.0, 0.5]))
    with (tmp_path / "history.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == list(Evaluation._fields)


def test_a_target_result_has_every_value_of_an_evaluation():
    """The epoch becomes the epochs to the target; the stage belongs to the evaluation only."""
    renamed = {"epoch": "epochs"}
    values = {renamed.get(name, name) for name in Evaluation._fields if name != "stage"}
    assert values <= set(TargetResult.model_fields)


def test_a_record_is_a_target_result():
    assert issubclass(Record, TargetResult)


OLD = {"plain": "plain", "compiled": "numba", "graph": "cuda_graph"}


@pytest.mark.parametrize("path", OLD)
def test_a_record_of_schema_2_is_read_with_its_path_as_its_backend(tmp_path, path):
    values = json.loads(missed(seed=3).model_dump_json())
    for new in ("backend", "limit"):
        del values[new]
    (tmp_path / "record.json").write_text(json.dumps(values | {"record_schema": 2, "path": path}))
    found = read_record(tmp_path)
    assert (found.record_schema, found.backend, found.limit) == (SCHEMA, OLD[path], None)
    assert (found.seed, found.status) == (3, Status.BUDGET)


def test_a_record_of_a_schema_to_come_is_not_read(tmp_path):
    values = json.loads(record().model_dump_json()) | {"record_schema": SCHEMA + 1}
    (tmp_path / "record.json").write_text(json.dumps(values))
    assert read_record(tmp_path) is None


def test_a_limit_comes_back(tmp_path):
    (tmp_path / "record.json").write_text(missed(limit="500 epochs").model_dump_json())
    assert read_record(tmp_path).limit == "500 epochs"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "reached", "epochs": 1.0}, "target reached after 1 epoch"),
        ({"status": "budget", "epochs": 7.0, "limit": "7 epochs"}, "not reached within 7 epochs"),
        ({"status": "budget", "epochs": 7.0}, "not reached within the budget"),
        ({"status": "budget", "epochs": 7.0, "target": None}, "ended after 7 epochs"),
        ({"status": "diverged", "epochs": 3.0}, "diverged after 3 epochs"),
        ({"status": "constant", "epochs": 3.0}, "constant outputs after 3 epochs"),
        ({"status": "finished", "epochs": 3.0}, "finished after 3 epochs"),
    ],
)
def test_the_end_of_a_run_reads_as_a_sentence(values, words):
    run = record().model_copy(update=values | {"status": Status(values["status"])})
    assert run.describe_end().endswith(words)
