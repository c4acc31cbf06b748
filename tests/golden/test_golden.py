"""Epoch counts that may only change on purpose: `make golden`, and a line in the CHANGELOG."""

from __future__ import annotations

import csv

from tests.golden.record import FILE, rows


def test_epoch_counts_are_those_on_record():
    with FILE.open(encoding="utf-8", newline="") as file:
        recorded = list(csv.reader(file))[1:]
    changed = [(old, new) for old, new in zip(recorded, rows(), strict=True) if old != new]
    assert changed == [], "if this is meant: make golden, and say so under Changes to results"
