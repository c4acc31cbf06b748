"""gfopt plan: what would run and why, and nothing else."""


def test_a_plan_runs_nothing_and_says_what_would(gfopt):
    done = gfopt("plan", gfopt.config(), "--seeds", "1-2")
    assert done.exit_code == 0
    assert "tiny: 2 to run, 0 finished" in done.stdout
    assert "gradient_descent seed 2: to run, nothing here is finished" in done.stdout
    assert not (gfopt.folder / "results").exists()


def test_a_plan_shows_sizes_levels_and_the_cost_of_an_epoch(gfopt):
    done = gfopt("plan", gfopt.config())
    assert "data: x (64, 1437) float32, 1437 samples, 360 held out" in done.stdout
    assert "network: 64-4-10, 310 parameters" in done.stdout
    assert "chance level 2.30259" in done.stdout
    assert "s an epoch; the 1 to run take at most" in done.stdout
    assert "MB at the peak" in done.stdout


def test_a_finished_run_is_told_with_its_end_and_needs_no_probe(gfopt):
    gfopt("run", gfopt.config())
    done = gfopt("plan", "tiny.yaml")
    assert "tiny: 0 to run, 1 finished" in done.stdout
    assert "gradient_descent seed 1: finished (budget after 2 epochs)" in done.stdout
    assert "an epoch" not in done.stdout


def test_what_sets_a_run_apart_from_the_nearest_finished_one_is_named(gfopt):
    gfopt("run", gfopt.config())
    for setting, key in (
        ("optimizers.0.lr=0.1", "optimizer.options.lr"),
        ("budget.epochs=3", "budget.epochs"),
        ("precision=float64", "precision"),
        ("target={train_loss: 1}", "target"),
    ):
        done = gfopt("plan", "tiny.yaml", "--set", setting)
        assert f"seed 1: to run, the nearest finished run differs in {key}" in done.stdout
    assert "differs in seed\n" in gfopt("plan", "tiny.yaml", "--seeds", "2").stdout


def test_an_edited_rule_differs_in_its_source(gfopt):
    gfopt("run", gfopt.rule())
    gfopt.rule("return dict(state)")
    done = gfopt("plan", "tiny.yaml")
    assert "mine seed 1: to run, the nearest finished run differs in source" in done.stdout
    assert "gradient_descent seed 1: finished" in done.stdout


def test_a_rule_that_raises_in_the_probe_is_told_and_the_others_are_probed(gfopt):
    done = gfopt("plan", gfopt.rule("raise ValueError('no idea')"))
    assert done.exit_code == 0
    assert "mine: fails, ValueError: no idea" in done.stdout
    assert "gradient_descent: " in done.stdout


def test_the_options_of_a_torch_optimizer_are_checked(gfopt):
    done = gfopt(
        "plan", gfopt.config(("{name: gradient_descent, lr: 0.5}", "{name: adam, lrr: 1}"))
    )
    assert done.exit_code == 2
    assert "refuses its options" in done.stderr
