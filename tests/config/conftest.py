"""A small valid config, and the errors if a piece of it is replaced."""

import pytest

from gfopt.config.loading import load
from gfopt.errors import UsageError

TINY = """\
name: tiny
dataset: {name: digits, scale: unit}
model:
  hidden: [8]
loss: cross_entropy
optimizers:
  - {name: gradient_descent, lr: 0.5}
target: {valid_accuracy: 0.5}
budget: {epochs: 3}
"""


class Config:
    """TINY with pieces of its text replaced."""

    def __init__(self, folder):
        self.folder = folder

    def load(self, *pieces, text=TINY, settings=()):
        """The experiment of the text with each (old, new) replaced."""
        for old, new in pieces:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        return load(text, "c.yaml", self.folder, list(settings))

    def wrong(self, *pieces, text=TINY, settings=()):
        """The lines of the error."""
        with pytest.raises(UsageError) as caught:
            self.load(*pieces, text=text, settings=settings)
        return str(caught.value).splitlines()


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path)
