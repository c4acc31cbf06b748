"""gfopt plan: which runs are due and why; nothing is run."""

import re


def test_a_plan_lists_the_runs_and_runs_nothing(gfopt):
    done = gfopt("plan", gfopt.config(), "--seeds", "1-2")
    assert done.exit_code == 0
    assert "tiny: 2 to run, 0 cached" in done.stdout
    assert "gradient_descent seed 2: not cached: no finished runs here" in done.stdout
    assert not (gfopt.folder / "results").exists()


def test_a_plan_shows_sizes_levels_and_the_cost_of_an_epoch(gfopt):
    done = gfopt("plan", gfopt.config())
    assert "data: x (64, 60) float32, 60 samples, 12 held out" in done.stdout
    assert "network: 64-4-10, 310 parameters" in done.stdout
    assert "chance level 2.30259" in done.stdout
    assert re.search(r"gradient_descent: \S+ s per epoch; .*at most \S+ s\n", done.stdout)
    assert "MB at the peak" in done.stdout


def test_a_cached_run_is_listed_with_its_end_and_needs_no_probe(gfopt):
    gfopt("run", gfopt.config())
    done = gfopt("plan", "tiny.yaml")
    assert "tiny: 0 to run, 1 cached" in done.stdout
    assert "gradient_descent seed 1: cached (ended after 2 epochs)" in done.stdout
    assert "per epoch" not in done.stdout


def test_a_run_that_is_not_cached_names_what_is_new(gfopt):
    gfopt("run", gfopt.config())
    for setting, key in (
        ("optimizers.0.lr=0.1", "optimizer.options.lr"),
        ("budget.epochs=3", "budget.epochs"),
        ("precision=float64", "precision"),
        ("target={train_loss: 1}", "target"),
    ):
        done = gfopt("plan", "tiny.yaml", "--set", setting)
        assert f"seed 1: not cached: new {key}\n" in done.stdout
    assert "not cached: new seed\n" in gfopt("plan", "tiny.yaml", "--seeds", "2").stdout


def test_an_edited_optimizer_has_a_new_source(gfopt):
    gfopt("run", gfopt.optimizer())
    gfopt.optimizer("return dict(state)")
    done = gfopt("plan", "tiny.yaml")
    assert "mine seed 1: not cached: new source\n" in done.stdout
    assert "gradient_descent seed 1: cached" in done.stdout


def test_an_optimizer_that_raises_in_the_probe_is_reported_and_the_others_are_probed(gfopt):
    done = gfopt("plan", gfopt.optimizer("raise ValueError('no idea')"))
    assert done.exit_code == 0
    assert "mine: fails, ValueError: no idea" in done.stdout
    assert "gradient_descent: " in done.stdout


def test_the_options_of_a_torch_optimizer_are_checked(gfopt):
    done = gfopt(
        "plan", gfopt.config(("{name: gradient_descent, lr: 0.5}", "{name: adam, lrr: 1}"))
    )
    assert done.exit_code == 2
    assert "refuses its options" in done.stderr
