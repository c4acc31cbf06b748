"""gfopt reproduce: times, quantities of weights and figures from runs."""

from __future__ import annotations

import torch

from gfopt.errors import DataError
from gfopt.studies.reproduce import unrecorded_quantities
from tests.studies.reproduce.claim_texts import (
    AT_ONCE,
    EPOCHS,
    FAILING,
    FIGURES,
    FIT,
    FREE,
    LONG,
    SECONDS,
)
from tests.studies.reproduce.conftest import SETTINGS, assert_facts


def test_a_failing_optimizer_does_not_disturb_the_times_of_others(reproduce):
    config = SETTINGS.replace("optimizers:", "optimizers:\n  - {file: mine.py, label: mine}")
    (reproduce.folder / "small.yaml").write_text(config)
    lost = FAILING.replace("own.yaml", "small.yaml")
    timed = lost.replace("id: broken", "id: timed").replace("value: loss", "value: seconds")
    done = reproduce("claims:\n" + SECONDS + lost + timed, "--quick")
    assert done.exit_code == 3
    assert reproduce.verdicts() == {
        "seconds": ("outside spread", "no"),
        "broken": ("not run", "not run"),
        "timed": ("not run", "not run"),
    }


def test_times_are_compared_as_ratios_of_repeats_next_to_passes(reproduce):
    torch.set_num_threads(2)
    assert reproduce("claims:\n" + SECONDS, "--quick").exit_code == 0
    assert torch.get_num_threads() == 1  # as --threads has it
    (row,) = reproduce.rows()
    assert (row["number_reproduced"], row["values"]) == ("outside spread", "3")
    assert_facts(row["sentence"], "3 interleaved repeats of seed 1", "published 0.0001000")
    ratio = float(row["sentence"].split("In passes it is ")[1].rstrip("."))
    assert 1 < ratio < 3


def test_data_missing_for_times_only_are_reported_too(reproduce, monkeypatch):
    reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")

    def gone(*_, **__):
        raise DataError("digits: the file has gone")

    monkeypatch.setattr(unrecorded_quantities, "make_task", gone)
    done = reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")
    assert done.exit_code == 5
    assert reproduce.verdicts() == {"seconds": ("not run", "not run"), "epochs": ("yes", "yes")}
    assert_facts(reproduce.sentences()["seconds"], "digits: the file has gone.")


def test_a_target_that_was_not_reached_has_no_seconds(reproduce):
    config = SETTINGS + "target: {train_loss: 1.0e-9}\n"
    (reproduce.folder / "small.yaml").write_text(config)
    reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")
    assert reproduce.verdicts() == {"seconds": ("outside spread", "no"), "epochs": ("no", "no")}
    assert_facts(reproduce.sentences()["seconds"], "Target not reached", "3 of 3 repeats")


def test_values_are_read_off_populations_and_weights(reproduce):
    assert reproduce("claims:\n" + FIT).exit_code == 0
    assert reproduce.verdicts() == {
        "error": ("yes", "yes"),
        "no-gradient": ("yes", "yes"),
        "better-than-constant": ("no", "no"),
    }
    errors, passes, losses = reproduce.rows()
    assert 0 < float(errors["ours_lo"]) <= float(errors["ours_hi"]) < 1000
    assert float(passes["ours"]) == 0
    assert_facts(losses["sentence"], "constant-predictor baseline 5930", "lower in 0 of 5 seeds")


def test_figures_are_drawn_if_their_runs_are_there(reproduce):
    text = "claims:\n" + EPOCHS + LONG + AT_ONCE + FIGURES
    assert reproduce(text).exit_code == 0
    drawn = {path.name for path in (reproduce.results / "reproduction").iterdir()}
    assert drawn == {"both.png", "histories.png", "losses.png", "layers.png"}
    shown = [line for line in reproduce.report().splitlines() if line.startswith("![")]
    assert shown == [
        "![Both](reproduction/both.png)",
        "![All seeds](reproduction/histories.png)",
        "![The ends](reproduction/losses.png)",
        "![Layers](reproduction/layers.png)",
    ]


def test_figures_follow_quick_and_only(reproduce):
    text = "claims:\n" + EPOCHS + LONG + FREE + FIGURES
    assert reproduce(text, "--quick", "--only", "epochs").exit_code == 0
    drawn = {path.name for path in (reproduce.results / "reproduction").iterdir()}
    assert drawn == {"histories.png", "losses.png", "layers.png"}
    assert reproduce(text, "--only", "free").exit_code == 0
    shown = [line for line in reproduce.report().splitlines() if line.startswith("![")]
    assert shown == ["![Layers](reproduction/layers.png)"]
    assert reproduce(text.replace("seeds: 1-4", "seeds: 1-2"), "--quick").exit_code == 0
    assert "![The ends](reproduction/losses.png)" in reproduce.report()  # of two seeds, not three
