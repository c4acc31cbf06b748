"""The clock with made time: every moment in one phase."""

from __future__ import annotations

from itertools import count

import pytest

from gfopt.engine.clock import Clock, Phase


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


def clock(time, **more):
    return Clock(wall=time, cpu=lambda: 2 * time.now, **more)


def test_phases_sum_to_the_wall_time(time):
    c = clock(time)
    for phase, seconds in (
        (Phase.SET_UP, 1.5),
        (Phase.TRAIN, 4.0),
        (Phase.EVALUATE, 0.25),
        (Phase.TRAIN, 1.0),
    ):
        c.enter(phase)
        time.now += seconds
    c.enter(Phase.OTHER)
    assert sum(c.seconds.values()) == time.now == 6.75
    assert c.seconds[Phase.TRAIN] == 5.0
    assert c.cpu_seconds[Phase.TRAIN] == 10.0


def test_a_phase_block_goes_back_to_the_phase_before(time):
    c = clock(time)
    c.enter(Phase.TRAIN)
    time.now += 1
    with c.phase(Phase.EVALUATE):
        time.now += 10
    time.now += 2
    c.enter(Phase.OTHER)
    assert (c.seconds[Phase.TRAIN], c.seconds[Phase.EVALUATE]) == (3, 10)


def test_an_error_in_a_block_still_ends_its_phase(time):
    c = clock(time)

    def fail():
        time.now += 3
        raise RuntimeError

    with pytest.raises(RuntimeError), c.phase(Phase.TRAIN):
        fail()
    time.now += 1
    c.enter(Phase.OTHER)
    assert (c.seconds[Phase.TRAIN], c.seconds[Phase.OTHER]) == (3, 1)


def test_reassigned_training_time_becomes_evaluation_and_the_sum_stays(time):
    c = clock(time)
    with c.phase(Phase.TRAIN):
        time.now += 3
    mark = c.mark()
    with c.phase(Phase.TRAIN):
        time.now += 2
    c.reassign(mark)
    assert (c.seconds[Phase.TRAIN], c.seconds[Phase.EVALUATE]) == (3, 2)
    assert sum(c.seconds.values()) == 5


def test_the_device_is_synchronised_at_each_edge_before_the_time_is_read():
    events, ticks = [], count()
    c = Clock(
        synchronise=lambda: events.append("synchronise"),
        wall=lambda: events.append("read") or float(next(ticks)),
        cpu=lambda: 0.0,
    )
    with c.phase(Phase.TRAIN):
        events.append("work")
    assert events == ["read", "synchronise", "read", "work", "synchronise", "read"]
