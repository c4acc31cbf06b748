"""Each check with a rule that breaks what it is about: that one alone fails, with its sentence."""

import pytest

from gfopt.checking.command import subject_of, verdicts
from tests.checking.rules import INIT, STEP, rule


def failures(folder, text, *settings):
    """What fails of the rule in a file, and what isn't made, by check."""
    path = folder / "mine.py"
    path.write_text(text)
    found = list(verdicts(subject_of(str(path), settings)))
    failed = {v.check: v.sentence for v in found if v.holds is False}
    return failed, {v.check: v.sentence for v in found if v.holds is None}


NOISE_INIT = 'return params | {"lr": draw.full(self.lr), "seed": draw.seed(), "t": draw.seed() * 0}'


def noisy(drawn, first="pass"):
    """A step that adds noise to the parameters, as drawn."""
    return f"""\
        {first}
        problem.charge(problem.samples)
        moved = {{k: p + self.lr * {drawn} for k, p in state.items() if k[0] in "Wb"}}
        return state | moved | {{"t": state["t"] + 1}}
    """


BAD = {
    "options are valid": [
        (
            rule(says="rate: gfopt.Positive = -1.0"),
            "rate: must be > 0 (got -1.0)",
        ),
        (
            rule(says="def check(self, depth):\n    raise ValueError('one layer only')"),
            "check refuses a network of 3 layers: one layer only",
        ),
    ],
    "class variables have known values": [
        (
            rule(says='takes: ClassVar[str] = "all"'),
            "takes must be 'full' or 'batch' (got 'all')",
        ),
        (
            rule(says="once: ClassVar[int] = 0"),
            "once must be True or False (got 0)",
        ),
    ],
    "init and step return the whole state": [
        (
            rule(init="return None"),
            "init must return the state, a dict of tensors (got NoneType), on classes in float32",
        ),
        (
            rule(step='return {"W1": state["W1"]}'),
            "step must return the whole state: 'b1' is missing, on classes in float32",
        ),
        (
            rule(step="return {k: v[0] for k, v in state.items()}"),
            "step: 'W1' must keep its shape (3, 4, 5) (got (4, 5)), on classes in float32",
        ),
        (
            rule(step="return {k: v.double() for k, v in state.items()}"),
            "step: 'W1' must stay torch.float32 (got torch.float64), on classes in float32",
        ),
        (
            rule(init="return params | {'speed': torch.zeros(4, 5)}"),
            "init: 'speed' must lead with the replicas, (3, ...) (got (4, 5)), on classes in",
        ),
        (
            rule(init="return params | {'speed': torch.tensor(1.0)}"),
            "init: 'speed' must lead with the replicas, (3, ...) (got ()), on classes in float32",
        ),
        (
            rule(step="return {k: v.clone().requires_grad_() for k, v in state.items()}"),
            "step: 'W1' carries autograd's graph along: return it detached, on classes in float32",
        ),
        (
            rule(step="x = 1\nreturn state['nope']"),
            "step raised KeyError: 'nope' (mine.py:20)",
        ),
        (
            rule(
                step="if problem.targets.ndim == 3:\n    raise RuntimeError('flat only')\n" + STEP
            ),
            "step raised RuntimeError: flat only (mine.py:20)",
        ),
        (
            rule(step="import sys\nsys.exit('bye')"),
            "step raised SystemExit: bye (mine.py:20)",
        ),
    ],
    "outputs, done and stage give each replica its own": [
        (
            rule(says="def outputs(self, problem, state):\n    return problem.forward(state).z[1]"),
            "outputs must be (3, 3, 12) (got (3, 4, 12))",
        ),
        (
            rule(says="def done(self, state):\n    return torch.tensor(False)"),
            "done must be (3,) (got ()), on classes in float32",
        ),
    ],
    "numbers stay finite": [
        (
            rule(lr="1e30"),
            "after step 1 of the usual start, on classes in float32",
        ),
        (
            rule(
                step="return descend(state, problem.gradient(state, at)) | {'W2': state['W2'] / 0}"
            ),
            "W2 is not finite after step 1 of the usual start, on classes in float32",
        ),
    ],
    "same seed, same bits": [
        (
            rule(init=NOISE_INIT, step=noisy("torch.randn_like(p)")),
            (
                "two runs differ in W1, b1, W2, b2, W3, b3: draw with gfopt.noise, from "
                "draw.seed() and a counter in the state, on classes in float32"
            ),
        ),
        (
            rule(step="COUNT[0] += 1\nreturn state | {'W1': state['W1'] + COUNT[0]}"),
            (
                "two runs differ in W1: draw with gfopt.noise, from draw.seed() and a counter in "
                "the state, on classes in float32"
            ),
        ),
    ],
    "all memory is in the state": [
        (
            rule(
                init="COUNT[0] = 0\n" + INIT,
                step="COUNT[0] += 1\nreturn state | {'W1': state['W1'] + COUNT[0]}",
            ),
            "a step from a saved state comes out otherwise later on (W1): keep nothing else",
        ),
    ],
    "a replica alone equals the same one among others": [
        (
            rule(
                step="""\
                gradient = problem.gradient(state, at)
                return descend(state, {k: g / g.norm().add(1) for k, g in gradient.items()})
                """
            ),
            (
                "W1, b1, W2, b2, W3, b3 of seed 3 differs alone and among others: let no sum, mean "
                "or maximum run over the replicas, or say batches_seeds = False, on classes in"
            ),
        ),
    ],
    "other seeds, other noise": [
        (
            rule(init=NOISE_INIT, step=noisy("gfopt.noise(state['seed'] * 0, state['t'], p)")),
            "numbers are drawn, but two seeds get the same ones",
        ),
        (
            rule(
                init=NOISE_INIT,
                step=noisy("torch.randn(p.shape[1:], dtype=p.dtype)", "torch.manual_seed(1)"),
            ),
            "numbers are drawn, but two seeds get the same ones",
        ),
        (
            rule(
                init=NOISE_INIT,
                step=noisy("float(np.random.randn())", "import numpy as np; np.random.seed(1)"),
            ),
            "numbers are drawn, but two seeds get the same ones",
        ),
    ],
    "the given state is left alone": [
        (
            rule(step="new = dict(state)\nnew['W1'] += 1\nreturn new"),
            "step changed W1 in place: make new tensors",
        ),
        (
            rule(step="state['W1'] = state['W1'] + 1\nstate['old'] = state['lr']\nreturn state"),
            "step changed W1, old in place: make new tensors",
        ),
        (
            rule(init="params['b2'] += 1\n" + INIT),
            "init changed b2 in place: make new tensors",
        ),
    ],
    "the given pass, inputs and targets are left alone": [
        (
            rule(step="at.a[1].mul_(2)\n" + STEP),
            "step changed a_1 of the pass in place: make new tensors",
        ),
        (
            rule(step="problem.targets.mul_(1.01)\n" + STEP),
            "step changed the targets in place: make new tensors",
        ),
    ],
    "parameters move": [
        (rule(step="return dict(state)"), "3 steps changed no parameter on any made problem"),
    ],
    "passes are counted, or said not to be": [
        (
            rule(
                says="wants_pass: ClassVar[bool] = False",
                step="return state | {'W1': state['W1'] * 0.9 + problem.inputs.mean()}",
            ),
            (
                "a step changed W1 and no pass was counted: tell problem.charge(passes) what it "
                "cost, or read problem.x, which says that nobody counts"
            ),
        ),
    ],
    "gradient_free: no backward pass": [
        (
            rule(says="gradient_free: ClassVar[bool] = True"),
            "a step made a backward pass, by problem.gradient, on classes in float32",
        ),
        (
            rule(
                says="gradient_free: ClassVar[bool] = True",
                step="""\
                problem.x
                with torch.enable_grad():
                    w = {k: state[k].clone().requires_grad_() for k in state if k != "lr"}
                    problem.losses(problem.forward(w)).sum().backward()
                return descend(state, {k: p.grad for k, p in w.items()})
                """,
            ),
            "a step made a backward pass, by autograd, on classes in float32",
        ),
        (
            rule(
                says="gradient_free: ClassVar[bool] = True",
                step="""\
                w = {k: state[k] for k in state if k != "lr"}
                loss = lambda w: problem.losses(problem.forward(w)).sum()
                return descend(state, torch.func.grad(loss)(w))
                """,
            ),
            "a step made a backward pass, by autograd, on classes in float32",
        ),
    ],
    'trains = "output": hidden layers keep their start': [
        (
            rule(says='trains: ClassVar[str] = "output"'),
            "W1, b1, W2, b2 moved, on classes in float32",
        ),
    ],
    "once: a second step changes nothing": [
        (
            rule(says="once: ClassVar[bool] = True"),
            "a second step changed W1, b1, W2, b2, W3, b3, on classes in float64",
        ),
    ],
    "local: a layer's update doesn't hang on the layers above it": [
        (
            rule(says="local: ClassVar[bool] = True"),
            (
                "the update of W1 is another with other layers above it, though its layer's input, "
                "its output and the error (or the target) are the same"
            ),
        ),
    ],
}


@pytest.mark.parametrize(
    ("check", "text", "said"), [(check, *case) for check, cases in BAD.items() for case in cases]
)
def test_a_rule_that_breaks_one_promise_fails_that_check_alone(tmp_path, check, text, said):
    failed, _ = failures(tmp_path, text)
    assert list(failed) == [check]
    assert said in failed[check]


GOOD = {
    "descent": rule(),
    "an option annotated through the package": rule(says="rate: gfopt.Positive = 1.0"),
    "noise by gfopt": rule(
        init=NOISE_INIT, step=noisy("gfopt.noise(state['seed'], state['t'] + ord(k[0]), p)")
    ),
    "uncounted passes": rule(
        says="wants_pass: ClassVar[bool] = False",
        step="return state | {'W1': state['W1'] * 0.9 + problem.x.mean()}",
    ),
    "one replica at a time": rule(says="batches_seeds: ClassVar[bool] = False"),
    "local by the error": rule(
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
    "local by the target": rule(
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


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_rule_that_keeps_its_promises_passes(tmp_path, text):
    assert failures(tmp_path, text) == ({}, {})


def test_a_problem_that_init_refuses_is_left_out_and_named(tmp_path):
    init = "if problem.loss.targets == 'values':\n    raise ValueError('classes only')\n" + INIT
    failed, left = failures(tmp_path, rule(init=init))
    assert failed == {}
    assert left == dict.fromkeys(
        ["values in float32", "values in float64", "mini-batches of values"],
        "not tried: init raised ValueError: classes only (mine.py:17)",
    )


def test_a_rule_that_refuses_everything_fails_with_its_reason(tmp_path):
    failed, _ = failures(tmp_path, rule(init="raise ValueError('never')"))
    assert failed == {
        "init and step return the whole state": "init raised ValueError: never (mine.py:16)"
    }


def test_mini_batches_are_not_tried_on_a_rule_that_takes_the_full_data(tmp_path):
    step = "assert problem.targets.ndim == 2\n" + STEP
    assert failures(tmp_path, rule(says='takes: ClassVar[str] = "full"', step=step)) == ({}, {})


def test_options_from_outside_are_the_ones_that_are_tried(tmp_path):
    failed, _ = failures(tmp_path, rule(), "lr=1e30")
    assert list(failed) == ["numbers stay finite"]
