"""python -m tests.golden.record: write epochs.csv anew. A changed count is a result."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.golden.cases import cases, count_epochs

FILE = Path(__file__).with_name("epochs.csv")


def rows():
    """Every golden count as it comes out now."""
    for optimizer, name, options in cases():
        for seed, epochs in count_epochs(optimizer, options):
            yield [name, json.dumps(options), str(seed), epochs]


if __name__ == "__main__":
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["rule", "options", "seed", "epochs"], *rows()]
        )
