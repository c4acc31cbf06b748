"""All of torch.optim by one wrapper: each update rebuilds torch's optimizer from the flat state.

The gradient is the problem's own (no autograd), the step is torch's. Every number torch keeps for
a parameter travels in the state: tensors under "W1/exp_avg", 0-dimensional ones under "W1@step",
Python's numbers under "W1#n_iter", lists of tensors (LBFGS's history) under "W1[]old_dirs". The
results are those of a living torch optimizer. Cost per update: one forward and one backward pass,
LBFGS one of each per closure call.

Those whose update mixes a tensor's entries (LBFGS, Adafactor, Muon) run seeds one by one. Muon
takes the weight matrices, AdamW with the same lr and weight decay takes the biases. SparseAdam
needs sparse gradients, which dense networks don't have: it is refused with that reason.

Source: torch.optim, https://docs.pytorch.org/docs/stable/optim.html, and the papers named there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import ConfigDict, Field

from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Positive
from gfopt.problem import DenseProblem, Pass, State, parameters
from gfopt.space import Choice, Range, Space

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.rng import Draw

NAMES = (
    "Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "AdamW", "ASGD", "LBFGS", "Muon", "NAdam",
    "RAdam", "RMSprop", "Rprop", "SGD",
)  # fmt: skip
MIXING = {"LBFGS", "Adafactor", "Muon"}  # their update of one entry looks at others
_ADAPTIVE: Space = {"lr": Range(1e-5, 1.0)}  # the length of a step hardly hangs on the gradient's
_SPACES: dict[str, Space] = {
    "Adadelta": {"lr": Range(1e-3, 100.0)},
    "Adagrad": {"lr": Range(1e-4, 10.0)},
    "ASGD": {"lr": Range(1e-4, 10.0)},
    "LBFGS": {"lr": Range(1e-3, 10.0)},
    "SGD": {"lr": Range(1e-4, 10.0), "momentum": Choice((0.0, 0.9, 0.99))},
}


class TorchOptim(Optimizer):
    """Options: lr, and any other that this torch.optim class takes, under torch's names."""

    model_config = ConfigDict(extra="allow")

    lr: Annotated[Positive | None, Field(description="learning rate; default: torch's own")] = None

    deferred: ClassVar[bool] = True
    torch_name: ClassVar[str]

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters and lr; torch's own memory begins with the first step."""
        squeezed = {key: self._squeezed(p) for key, p in params.items()}
        lr = self._living(squeezed)[0].param_groups[0]["lr"]
        return params | {"lr": draw.full(float(lr)).double()}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One step of torch's optimizer, in every replica."""
        return self.in_place(problem, {key: tensor.clone() for key, tensor in state.items()}, at)

    def in_place(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """The step on the state's own tensors: copies of many seeds' large layers take longer."""
        params = {key: self._squeezed(p) for key, p in parameters(state).items()}
        living = self._living(params, lr=float(state["lr"][0]))
        for optimizer in living:
            _remember(optimizer, params, state, self.batches_seeds)
        self._advance(living, problem, params, at)
        memory: State = {}
        for optimizer in living:
            memory |= _memory(optimizer, params, len(state["lr"]), self.batches_seeds)
        return (
            {key: self._unsqueezed(p) for key, p in params.items()} | {"lr": state["lr"]} | memory
        )

    def check(self, depth: int) -> None:
        """Let torch judge the options, on a parameter of each kind."""
        import torch

        try:
            params = {"W1": torch.zeros(2, 2), "b1": torch.zeros(2, 1)}
            for optimizer in self._living(params):
                _set_gradients(params, {key: torch.ones_like(p) for key, p in params.items()})
                optimizer.step(lambda: 1.0)
        except Exception as error:  # torch's constructors and steps raise all sorts
            raise ValueError(
                f"torch.optim.{self.torch_name} refuses its options: {error}"
            ) from error

    def _advance(
        self,
        living: list[torch.optim.Optimizer],
        problem: DenseProblem,
        params: State,
        at: Pass | None,
    ) -> None:
        """Give the parameters their gradients at the pass, and step."""
        assert at
        _set_gradients(
            params, problem.gradient({k: self._unsqueezed(p) for k, p in params.items()}, at)
        )
        for optimizer in living:
            optimizer.step()

    def _living(self, params: State, **changed: float) -> list[torch.optim.Optimizer]:
        """torch's optimizer over these tensors."""
        import torch

        made = getattr(torch.optim, self.torch_name)
        return [made(list(params.values()), **self._given() | changed)]

    def _given(self) -> dict[str, Any]:
        """The options as torch's constructor takes them: only those given, pairs as tuples."""
        given = self.model_dump(exclude_none=True)
        return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}

    def _squeezed(self, tensor: Tensor) -> Tensor:
        """Without the replica dimension, for those that mix a tensor's entries."""
        return tensor if self.batches_seeds else tensor[0]

    def _unsqueezed(self, tensor: Tensor) -> Tensor:
        return tensor if self.batches_seeds else tensor[None]


class TorchLBFGS(TorchOptim):
    """LBFGS calls for losses and gradients itself: an epoch is one of its steps."""

    takes: ClassVar[Literal["full", "batch"]] = "full"

    def remarks(self) -> list[str]:
        """What an epoch is."""
        return [
            "An epoch of lbfgs is one of its steps, with several passes: compare sample-passes."
        ]

    def _advance(
        self,
        living: list[torch.optim.Optimizer],
        problem: DenseProblem,
        params: State,
        at: Pass | None,
    ) -> None:
        """A step with a closure; its first call is at the pass already made."""
        ready = [at]

        def closure() -> float:
            now = {key: p[None] for key, p in params.items()}
            made = ready.pop() if ready else problem.forward(now)
            assert made
            _set_gradients(params, problem.gradient(now, made))
            return float(problem.losses(made))

        living[0].step(closure)


class TorchMuon(TorchOptim):
    """Muon takes the matrices; AdamW, with the same lr and weight decay, the biases."""

    def remarks(self) -> list[str]:
        """Who trains what."""
        return ["muon trains the weight matrices; AdamW, at its lr and weight_decay, the biases."]

    def _living(self, params: State, **changed: float) -> list[torch.optim.Optimizer]:
        import torch

        given = self._given() | changed
        matrices = [p for key, p in params.items() if key[0] == "W"]
        muon = torch.optim.Muon(matrices, **given)
        rest = {
            "lr": muon.param_groups[0]["lr"],
            "weight_decay": muon.param_groups[0]["weight_decay"],
        }
        biases = [p for key, p in params.items() if key[0] == "b"]
        return [muon, torch.optim.AdamW(biases, **rest)] if biases else [muon]


@optimizers.register("sparseadam")
class TorchSparseAdam(TorchOptim):
    """Not usable: SparseAdam needs sparse gradients, which dense networks don't have."""

    torch_name: ClassVar[str] = "SparseAdam"
    deferred: ClassVar[bool] = False

    def check(self, depth: int) -> None:
        """Always refuse, with the reason."""
        raise ValueError(
            "sparseadam needs sparse gradients, which dense networks don't have: use adam"
        )


def _set_gradients(params: State, gradient: State) -> None:
    for key, p in params.items():
        p.grad = gradient[key].reshape(p.shape)


_KINDS = ("/", "@", "#", "[]")  # a tensor, a 0-dimensional one, a Python number, a list of tensors


def _remember(optimizer: torch.optim.Optimizer, params: State, state: State, batched: bool) -> None:
    """Put what the state holds for each parameter back into torch's optimizer."""
    for key, p in params.items():
        for name, tensor in state.items():
            kind = next((k for k in _KINDS if name.startswith(key + k)), None)
            if kind:
                optimizer.state[p][name[len(key + kind) :]] = _thawed(kind, tensor, batched)


def _thawed(kind: str, tensor: Tensor, batched: bool) -> Any:
    """From the flat state to what torch expects, on the state's memory."""
    if kind == "/":
        return tensor if batched else tensor[0]
    if kind == "[]":
        return [row.clone() for row in tensor[0]]  # products round as those of torch's own rows do
    return tensor[0] if kind == "@" else tensor[0].item()


def _memory(optimizer: torch.optim.Optimizer, params: State, replicas: int, batched: bool) -> State:
    """What torch's optimizer keeps for each parameter, as flat tensors, replica first."""
    memory: State = {}
    for key, p in params.items():
        for name, value in optimizer.state.get(p, {}).items():
            kind = _kind(value)
            if kind and name != "al":  # LBFGS's working memory, written before it is read
                memory[f"{key}{kind}{name}"] = _frozen(kind, value, replicas, batched)
    return memory


def _kind(value: Any) -> str | None:
    """How one thing that torch keeps is written in the state's keys; None: nothing to keep."""
    import torch

    if isinstance(value, torch.Tensor):
        return "/" if value.ndim else "@"
    if isinstance(value, list):
        return "[]"
    return "#" if isinstance(value, int | float) else None


def _frozen(kind: str, value: Any, replicas: int, batched: bool) -> Tensor:
    """From what torch keeps to a tensor that leads with the replica."""
    import torch

    if kind == "/":
        return cast("Tensor", value if batched else value[None])
    if kind == "[]":
        return torch.stack(value)[None] if value else torch.empty(1, 0)
    if kind == "#":
        value = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    return cast("Tensor", value).expand(replicas).clone()


def _register(torch_name: str) -> None:
    """One registered class for one of torch's."""
    base = {"LBFGS": TorchLBFGS, "Muon": TorchMuon}.get(torch_name, TorchOptim)
    own = {
        "__module__": __name__,
        "__doc__": f"torch.optim.{torch_name}. {TorchOptim.__doc__}",
        "__annotations__": {
            "torch_name": "ClassVar[str]",
            "batches_seeds": "ClassVar[bool]",
            "space": "ClassVar[Space]",
        },
        "torch_name": torch_name,
        "batches_seeds": torch_name not in MIXING,
        "space": _SPACES.get(torch_name, _ADAPTIVE),
    }
    optimizers.register(torch_name.lower())(type(f"Torch{torch_name}", (base,), own))


for _name in NAMES:
    _register(_name)
