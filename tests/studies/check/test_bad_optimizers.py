"""Each check with optimizers that break its promise: that check alone fails, and says why."""

import pytest

from gfopt.studies.check.run_check import load_optimizer_under_test, run_checks
from tests.studies.check.example_optimizers import INIT, STEP, write_optimizer


def failures(folder, text, *settings):
    """The sentences of failed and of skipped checks of the optimizer in a file, by check."""
    path = folder / "mine.py"
    path.write_text(text)
    results = list(run_checks(load_optimizer_under_test(str(path), settings)))
    failed = {r.check: r.sentence for r in results if r.passed is False}
    return failed, {r.check: r.sentence for r in results if r.passed is None}


NOISE_INIT = 'return params | {"lr": draw.full(self.lr), "seed": draw.seed(), "t": draw.seed() * 0}'


def noisy(drawn, first="pass"):
    """A step that adds noise to the parameters, as drawn."""
    return f"""\
        {first}
        problem.charge(problem.samples)
        moved = {{k: p + self.lr * {drawn} for k, p in state.items() if k[0] in "Wb"}}
        return state | moved | {{"t": state["t"] + 1}}
    """


BROKEN = {
    "valid hyperparameters": [
        (write_optimizer(says="rate: gfopt.Positive = -1.0"), ["rate: must be > 0 (got -1.0)"]),
        (
            write_optimizer(says="def check(self, depth):\n    raise ValueError('one layer only')"),
            ["3 layers", "one layer only"],
        ),
    ],
    "valid class variables": [
        (
            write_optimizer(says='takes: ClassVar[str] = "all"'),
            ["takes", "'full' or 'batch'", "(got 'all')"],
        ),
        (write_optimizer(says="once: ClassVar[int] = 0"), ["once", "True or False", "(got 0)"]),
    ],
    "complete state": [
        (
            write_optimizer(init="return None"),
            ["init", "a dict of tensors", "(got NoneType)", "on classes in float32"],
        ),
        (
            write_optimizer(step='return {"W1": state["W1"]}'),
            ["step", "'b1' is missing", "on classes in float32"],
        ),
        (
            write_optimizer(step="return {k: v[0] for k, v in state.items()}"),
            ["step: 'W1'", "shape (3, 4, 5) (got (4, 5))", "on classes in float32"],
        ),
        (
            write_optimizer(step="return {k: v.double() for k, v in state.items()}"),
            ["step: 'W1'", "torch.float32 (got torch.float64)", "on classes in float32"],
        ),
        (
            write_optimizer(init="return params | {'speed': torch.zeros(4, 5)}"),
            ["init:", "'speed'", "seeds, (3, ...) (got (4, 5))", "on classes in float32"],
        ),
        (
            write_optimizer(init="return params | {'speed': torch.tensor(1.0)}"),
            ["init:", "'speed'", "seeds, (3, ...) (got ())", "on classes in float32"],
        ),
        (
            write_optimizer(
                step="return {k: v.clone().requires_grad_() for k, v in state.items()}"
            ),
            ["step: 'W1'", "autograd graph", "detached", "on classes in float32"],
        ),
        (
            write_optimizer(step="x = 1\nreturn state['nope']"),
            ["step raised KeyError: 'nope' (mine.py:20)"],
        ),
        (
            write_optimizer(
                step="if problem.targets.ndim == 3:\n    raise RuntimeError('flat only')\n" + STEP
            ),
            ["step raised RuntimeError: flat only (mine.py:20)"],
        ),
        (
            write_optimizer(step="import sys\nsys.exit('bye')"),
            ["step raised SystemExit: bye (mine.py:20)"],
        ),
    ],
    "valid shapes of outputs, done and stage": [
        (
            write_optimizer(
                says="def outputs(self, problem, state):\n    return problem.forward(state).z[1]"
            ),
            ["outputs", "(3, 3, 12) (got (3, 4, 12))"],
        ),
        (
            write_optimizer(says="def done(self, state):\n    return torch.tensor(False)"),
            ["done", "(3,) (got ())", "on classes in float32"],
        ),
    ],
    "finite numbers": [
        (write_optimizer(lr="1e30"), ["not finite after step 1", "on classes in float32"]),
        (
            write_optimizer(
                step="return descend(state, problem.gradient(state, at)) | {'W2': state['W2'] / 0}"
            ),
            ["W2 is not finite after step 1", "on classes in float32"],
        ),
    ],
    "deterministic": [
        (
            write_optimizer(init=NOISE_INIT, step=noisy("torch.randn_like(p)")),
            [
                "differ in W1, b1, W2, b2, W3, b3: ",
                "gfopt.noise",
                "draw.seed()",
                "on classes in float32",
            ],
        ),
        (
            write_optimizer(step="COUNT[0] += 1\nreturn state | {'W1': state['W1'] + COUNT[0]}"),
            ["differ in W1: ", "gfopt.noise", "draw.seed()", "on classes in float32"],
        ),
    ],
    "no hidden state": [
        (
            write_optimizer(
                init="COUNT[0] = 0\n" + INIT,
                step="COUNT[0] += 1\nreturn state | {'W1': state['W1'] + COUNT[0]}",
            ),
            ["differs in W1: ", "all memory in the state"],
        ),
    ],
    "independent seeds": [
        (
            write_optimizer(
                step="""\
                gradient = problem.gradient(state, at)
                return descend(state, {k: g / g.norm().add(1) for k, g in gradient.items()})
                """
            ),
            [
                "W1, b1, W2, b2, W3, b3 of seed 3 differ",
                "batches_seeds = False",
                "on classes in float64",
            ],
        ),
    ],
    "noise depends on the seed": [
        (
            write_optimizer(init=NOISE_INIT, step=noisy(drawn, first)),
            ["two seeds get the same numbers", "gfopt.noise", "draw.seed()"],
        )
        for drawn, first in [
            ("gfopt.noise(state['seed'] * 0, state['t'], p)", "pass"),
            ("torch.randn(p.shape[1:], dtype=p.dtype)", "torch.manual_seed(1)"),
            ("float(np.random.randn())", "import numpy as np; np.random.seed(1)"),
        ]
    ],
    "state not modified in place": [
        (
            write_optimizer(step="new = dict(state)\nnew['W1'] += 1\nreturn new"),
            ["step changed W1 in place"],
        ),
        (
            write_optimizer(
                step="state['W1'] = state['W1'] + 1\nstate['old'] = state['lr']\nreturn state"
            ),
            ["step changed W1, old in place"],
        ),
        (write_optimizer(init="params['b2'] += 1\n" + INIT), ["init changed b2 in place"]),
    ],
    "pass, inputs and targets not modified in place": [
        (
            write_optimizer(step="at.a[1].mul_(2)\n" + STEP),
            ["step changed a_1 of the pass in place"],
        ),
        (
            write_optimizer(step="problem.targets.mul_(1.01)\n" + STEP),
            ["step changed the targets in place"],
        ),
    ],
    "parameters change": [
        (write_optimizer(step="return dict(state)"), ["3 steps changed no parameter"]),
    ],
    "passes are counted or marked as uncounted": [
        (
            write_optimizer(
                says="wants_pass: ClassVar[bool] = False",
                step="return state | {'W1': state['W1'] * 0.9 + problem.inputs.mean()}",
            ),
            ["changed W1", "no pass was counted", "problem.charge(passes)", "problem.x"],
        ),
    ],
    "gradient_free: no backward pass": [
        (
            write_optimizer(says="gradient_free: ClassVar[bool] = True"),
            ["a backward pass, by problem.gradient", "on classes in float32"],
        ),
        (
            write_optimizer(
                says="gradient_free: ClassVar[bool] = True",
                step="""\
                problem.x
                with torch.enable_grad():
                    w = {k: state[k].clone().requires_grad_() for k in state if k != "lr"}
                    problem.losses(problem.forward(w)).sum().backward()
                return descend(state, {k: p.grad for k, p in w.items()})
                """,
            ),
            ["a backward pass, by autograd", "on classes in float32"],
        ),
        (
            write_optimizer(
                says="gradient_free: ClassVar[bool] = True",
                step="""\
                w = {k: state[k] for k in state if k != "lr"}
                loss = lambda w: problem.losses(problem.forward(w)).sum()
                return descend(state, torch.func.grad(loss)(w))
                """,
            ),
            ["a backward pass, by autograd", "on classes in float32"],
        ),
    ],
    'trains = "output": hidden layers keep their initial weights': [
        (
            write_optimizer(says='trains: ClassVar[str] = "output"'),
            ["W1, b1, W2, b2 changed", "on classes in float32"],
        ),
    ],
    "once: a second step changes nothing": [
        (
            write_optimizer(says="once: ClassVar[bool] = True"),
            ["a second step changed W1, b1, W2, b2, W3, b3", "on classes in float64"],
        ),
    ],
    "local: updates do not depend on the layers above": [
        (
            write_optimizer(says="local: ClassVar[bool] = True"),
            ["the update of W1", "layers above", "input", "output", "error (or the target)"],
        ),
    ],
}


@pytest.mark.parametrize(
    ("check", "text", "facts"),
    [(check, *case) for check, cases in BROKEN.items() for case in cases],
    ids=[f"{check} {i}" for check, cases in BROKEN.items() for i in range(len(cases))],
)
def test_an_optimizer_that_breaks_one_promise_fails_that_check_alone(tmp_path, check, text, facts):
    failed, _ = failures(tmp_path, text)
    assert list(failed) == [check]
    for fact in facts:
        assert fact in failed[check]


CORRECT = {
    "descent": write_optimizer(),
    "an option annotated through the package": write_optimizer(says="rate: gfopt.Positive = 1.0"),
    "noise by gfopt": write_optimizer(
        init=NOISE_INIT, step=noisy("gfopt.noise(state['seed'], state['t'] + ord(k[0]), p)")
    ),
    "uncounted passes": write_optimizer(
        says="wants_pass: ClassVar[bool] = False",
        step="return state | {'W1': state['W1'] * 0.9 + problem.x.mean()}",
    ),
    "one seed at a time": write_optimizer(says="batches_seeds: ClassVar[bool] = False"),
    "local by the error": write_optimizer(
        says="local: ClassVar[bool] = True",
        step="""\
        e = problem.y - at.a[-1]
        dW = {
            f"W{l}": -(at.a[l] * e.sum(-2, keepdim=True)) @ at.a[l - 1].mT / problem.samples
            for l in range(1, problem.depth + 1)
        }
        return descend(state, dW)
        """,
    ),
    "local by the target": write_optimizer(
        says="local: ClassVar[bool] = True",
        step="""\
        dW = {
            f"W{l}": (at.a[l] - problem.y.sum(-2, keepdim=True)) @ at.a[l - 1].mT / 100
            for l in range(1, problem.depth + 1)
        }
        return descend(state, dW)
        """,
    ),
}


@pytest.mark.parametrize("text", CORRECT.values(), ids=CORRECT)
def test_an_optimizer_that_keeps_its_promises_passes(tmp_path, text):
    assert failures(tmp_path, text) == ({}, {})


def test_a_problem_that_init_refuses_is_skipped_with_the_reason(tmp_path):
    init = "if problem.loss.targets == 'values':\n    raise ValueError('classes only')\n" + INIT
    failed, skipped = failures(tmp_path, write_optimizer(init=init))
    assert failed == {}
    assert skipped == dict.fromkeys(
        ["values in float32", "values in float64", "mini-batches of values"],
        "skipped (init raised ValueError: classes only (mine.py:17))",
    )


def test_an_optimizer_that_refuses_every_problem_fails_with_its_reason(tmp_path):
    failed, _ = failures(tmp_path, write_optimizer(init="raise ValueError('never')"))
    assert failed == {"complete state": "init raised ValueError: never (mine.py:16)"}


def test_an_optimizer_that_takes_the_full_data_gets_no_mini_batches(tmp_path):
    step = "assert problem.targets.ndim == 2\n" + STEP
    assert failures(tmp_path, write_optimizer(says='takes: ClassVar[str] = "full"', step=step)) == (
        {},
        {},
    )


def test_hyperparameters_set_from_outside_are_the_ones_checked(tmp_path):
    failed, _ = failures(tmp_path, write_optimizer(), "lr=1e30")
    assert list(failed) == ["finite numbers"]
