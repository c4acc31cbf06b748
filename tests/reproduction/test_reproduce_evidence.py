"""gfopt reproduce: the times, the values of weights and the figures that it gets from runs."""

from __future__ import annotations

from gfopt.errors import DataError
from gfopt.reproduction import measuring
from tests.reproduction.claims import AT_ONCE, EPOCHS, FAILING, FIGURES, FIT, FREE, LONG, SECONDS
from tests.reproduction.conftest import SETTINGS


def test_a_failing_rule_does_not_disturb_the_times_of_others(reproduce):
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


def test_times_are_compared_as_ratios_of_repeats_beside_sample_passes(reproduce):
    assert reproduce("claims:\n" + SECONDS, "--quick").exit_code == 0
    (row,) = reproduce.rows()
    assert (row["number_reproduced"], row["values"]) == ("outside spread", "3")
    assert "over 3 interleaved repeats of seed 1), published 0.0001000" in row["sentence"]
    ratio = float(row["sentence"].split("By sample-passes it is ")[1].rstrip("."))
    assert 1 < ratio < 3


def test_data_missing_for_times_only_is_told_too(reproduce, monkeypatch):
    reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")

    def gone(*_, **__):
        raise DataError("digits: the file has gone")

    monkeypatch.setattr(measuring, "make_task", gone)
    done = reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")
    assert done.exit_code == 5
    assert reproduce.verdicts() == {"seconds": ("not run", "not run"), "epochs": ("yes", "yes")}
    assert reproduce.sentences()["seconds"] == "Not run: digits: the file has gone."


def test_a_target_that_was_missed_has_no_seconds(reproduce):
    config = SETTINGS + "target: {train_loss: 1.0e-9}\n"
    (reproduce.folder / "small.yaml").write_text(config)
    reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")
    assert reproduce.verdicts() == {"seconds": ("outside spread", "no"), "epochs": ("no", "no")}
    assert "3 of 3 missed the target or diverged (inf)." in reproduce.sentences()["seconds"]


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
    assert (
        "in the median, the loss of the best constant output 5930; evolution_strategy is below in 0"
        in losses["sentence"]
    )


def test_figures_are_drawn_of_what_was_run_and_others_left_out(reproduce):
    text = "claims:\n" + EPOCHS + LONG + AT_ONCE + FIGURES
    assert reproduce(text).exit_code == 0
    drawn = {path.name for path in (reproduce.results / "reproduction").iterdir()}
    assert drawn == {"both.png", "histories.png", "losses.png", "layers.png"}
    shown = [line for line in reproduce.report().splitlines() if line.startswith("![")]
    assert shown == [
        "![Both](reproduction/both.png)",
        "![All starts](reproduction/histories.png)",
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
