"""NAME: sign descent. Every weight takes a step of the same length, shrinking with time.

    w <- w - lr / sqrt(1 + t) sign(dJ/dw)

Change it into your own rule: `gfopt check NAME_rule.py` then says whether it keeps what rules
promise, and `gfopt run NAME.yaml` runs only what the change touches.
"""

from gfopt import Optimizer, Positive


class SignDescent(Optimizer):
    """Options are fields, checked before anything runs; the config sets them beside `file:`."""

    lr: Positive = 0.02

    def init(self, problem, params, draw):
        """The state: a dict of tensors that lead with the seeds; your memory beside the weights."""
        return params | {"lr": draw.full(self.lr), "t": draw.full(0)}

    def step(self, problem, state, at):
        """One update. `at` is the forward pass at this state; the given state is left as it was."""
        gradient = problem.gradient(state, at)  # dJ/dW1, dJ/db1, ... of all layers
        length = (state["lr"] / (1 + state["t"]).sqrt())[:, None, None]
        moved = {key: state[key] - length * slope.sign() for key, slope in gradient.items()}
        return state | moved | {"t": state["t"] + 1}
