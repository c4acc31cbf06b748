"""Handmade costs, and costs as hypothesis finds them."""

from hypothesis import strategies as st

from gfopt.analysis.statistics import Costs


def costs(spent, missed=(), hopeless=()):
    """Costs of runs 0, 1, ...; `missed` and `hopeless` number those that didn't reach."""
    out = {*missed, *hopeless}
    runs = range(len(spent))
    return Costs(
        tuple(map(float, spent)),
        tuple(i not in out for i in runs),
        tuple(i in set(hopeless) for i in runs),
    )


def drawn(spent, reached):
    """Costs of simulated arrays; no run is hopeless."""
    return Costs(tuple(spent.tolist()), tuple(reached.tolist()), (False,) * len(spent))


def every(least=1, most=12):
    """Lists of runs with many ties, zeros and all three kinds of end."""
    end = st.sampled_from([(True, False), (False, False), (False, True)])
    runs = st.lists(st.tuples(st.integers(0, 9), end), min_size=least, max_size=most)
    return runs.map(
        lambda rows: Costs(
            tuple(float(value) for value, _ in rows),
            tuple(reached for _, (reached, _) in rows),
            tuple(hopeless for _, (_, hopeless) in rows),
        )
    )
