"""Work of other processes during a run, by a fake clock and fake CPU times; and peak memory."""

from __future__ import annotations

import mmap
import os
from collections import namedtuple
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gfopt.records.record import OTHER_WORK
from gfopt.runner import machine_load
from gfopt.runner.environment import keep_memory
from gfopt.runner.machine_load import Surroundings
from tests.record_factory import record

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")
CPU = torch.device("cpu")


class Machine:
    """A fake machine: CPU seconds so far, of which `own` are this process's."""

    wall = own = 0.0

    def __init__(self):
        self.times = Times(*[100.0] * 10)

    def advance(self, wall, own=0.0, **busy):
        self.wall, self.own = self.wall + wall, self.own + own
        self.times = self.times._replace(**{k: getattr(self.times, k) + v for k, v in busy.items()})


@pytest.fixture
def machine(monkeypatch):
    made = Machine()
    clock = SimpleNamespace(perf_counter=lambda: made.wall, process_time=lambda: made.own)
    monkeypatch.setattr(machine_load, "time", clock)
    monkeypatch.setattr(machine_load, "_UNCERTAIN", 0.0)
    monkeypatch.setattr(machine_load, "psutil", SimpleNamespace(cpu_times=lambda: made.times))
    return made


def test_other_work_is_all_work_but_the_runs_own(machine):
    around = Surroundings(CPU)
    machine.advance(10.0, own=8.0, user=20.0, system=3.0, idle=17.0)
    assert around.measure_other_work() == pytest.approx((23.0 - 8.0) / 10.0)


def test_on_an_idle_machine_there_is_none(machine):
    around = Surroundings(CPU)
    machine.advance(10.0, idle=40.0)
    assert around.measure_other_work() == 0.0


def test_a_run_that_works_alone_has_none(machine):
    around = Surroundings(CPU)
    machine.advance(10.0, own=19.5, user=19.0, system=0.5, idle=20.5)
    assert around.measure_other_work() == 0.0


def test_it_is_never_negative_where_the_machine_counts_in_coarser_ticks(machine):
    around = Surroundings(CPU)
    machine.advance(0.01, own=0.01)
    assert around.measure_other_work() == 0.0


def test_waiting_for_disks_is_no_work_and_the_hosts_other_guests_are(machine):
    around = Surroundings(CPU)
    machine.advance(10.0, iowait=7.0, steal=5.0)
    assert around.measure_other_work() == pytest.approx(0.5)


def test_guests_of_this_machine_are_counted_once(machine):
    around = Surroundings(CPU)
    machine.advance(10.0, user=6.0, guest=6.0, nice=2.0, guest_nice=2.0)
    assert around.measure_other_work() == pytest.approx(0.8)


def test_only_what_came_after_the_beginning_counts(machine):
    machine.advance(10.0, user=40.0)
    around = Surroundings(CPU)
    machine.advance(5.0, user=10.0)
    assert around.measure_other_work() == pytest.approx(2.0)


def test_a_system_that_tells_no_waits_and_no_guests_will_do(machine):
    Few = namedtuple("Few", "user system idle")
    machine.times = Few(1.0, 1.0, 1.0)
    around = Surroundings(CPU)
    machine.advance(4.0, own=1.0, user=3.0, idle=5.0)
    assert around.measure_other_work() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("work", "disturbed"), [(None, False), (0.0, False), (OTHER_WORK, False), (0.2, True)]
)
def test_runs_are_disturbed_from_a_tenth_of_a_cpu(work, disturbed):
    assert record(other_work=work).disturbed is disturbed


linux = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK),
    reason="only Linux resets the peak for each run",
)


@contextmanager
def hold(size):
    """So many bytes, all touched, that go back to the system: an allocator may keep an array's."""
    with mmap.mmap(-1, size) as memory:
        np.frombuffer(memory, np.uint8)[:] = 1
        yield


@linux
def test_the_peak_has_memory_that_was_given_back():
    around, size = Surroundings(CPU), 2**27
    before = around.measure_peak_memory()
    with hold(size):
        pass
    assert around.measure_peak_memory() >= max(size, before)
    assert around.measure_peak_memory() >= before + size // 2


@linux
def test_the_peak_begins_anew_with_each_run():
    size = 2**28
    with hold(size):
        before = Surroundings(CPU).measure_peak_memory()
    assert Surroundings(CPU).measure_peak_memory() <= before - size // 2


@linux
def test_memory_that_the_allocator_kept_from_earlier_runs_is_not_in_the_peak():
    keep_memory()  # as every run does
    size = 2**28
    left = np.ones(size, np.uint8)
    before = Surroundings(CPU).measure_peak_memory()
    del left
    assert Surroundings(CPU).measure_peak_memory() <= before - size // 2


def test_the_peak_is_none_if_unavailable(monkeypatch, tmp_path):
    monkeypatch.setattr(machine_load, "_SELF", tmp_path / "nowhere")
    assert Surroundings(CPU).measure_peak_memory() is None
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere" / "status").write_text("VmRSS: 10 kB\n")
    assert Surroundings(CPU).measure_peak_memory() is None
