"""A tuning's entries: one for each search, under labels that hold for any settings found."""

from gfopt.studies.tune.searches import merge_searches
from tests.studies.tune.test_spaces import race

CONTROLLED = {"controls": "standard", "model": {"hidden": [8, 6, 4]}}


def labels(*entries, **more):
    return [entry.label for entry in merge_searches(race(*entries, **more))]


def test_entries_that_differ_in_what_is_tuned_alone_are_one_search():
    given = {"name": "sgd", "lr": 0.1}, {"name": "sgd", "lr": 0.2}
    (entry,) = merge_searches(race(*given))
    assert (entry.label, entry.options["lr"]) == ("sgd", 0.1)


def test_a_label_made_by_gfopt_has_no_value_that_is_tuned():
    small, large = ({"name": "sgd", "lr": lr, "batch_size": n} for lr, n in ((0.1, 5), (0.2, 10)))
    assert labels(small, large) == ["sgd batch_size=5", "sgd batch_size=10"]


def test_a_label_has_no_value_that_only_the_config_tunes():
    given = [{"name": "sgd", "lr": 0.1, "weight_decay": w, "batch_size": n}
             for w, n in ((0.1, 5), (0.2, 10))]  # fmt: skip
    labelled = ["sgd batch_size=5 weight_decay=0.1", "sgd batch_size=10 weight_decay=0.2"]
    assert labels(*given) == labelled
    assert labels(*given, tune={"weight_decay": [0.01, 1]}) == [
        "sgd batch_size=5",
        "sgd batch_size=10",
    ]


def test_a_label_given_in_the_config_stays():
    named = {"name": "sgd", "lr": 0.1, "label": "mine, lr 0.1"}
    assert labels(named, {"name": "sgd", "lr": 0.2, "batch_size": 5}) == ["mine, lr 0.1", "sgd"]


def test_controls_are_named_by_their_optimizer_and_rates_of_one_search_are_merged():
    assert labels("position_wise", **CONTROLLED) == [
        "position_wise",
        "gradient descent",
        "gradient descent, rates x (1, 2, 3, 4)",
        "adam",
        "position_wise, hidden layers frozen",
    ]


def test_controls_of_the_optimizers_of_one_search_are_controls_of_that_search():
    rules = {"name": "sgd", "lr": 0.1}, {"name": "sgd", "lr": 0.2}
    sgd, *controls = merge_searches(race(*rules, **CONTROLLED))
    assert (sgd.label, sgd.control_of) == ("sgd", ())
    assert {entry.control_of for entry in controls} == {("sgd",)}


def test_a_label_that_another_entry_has_gets_a_number():
    found = labels("position_wise", {"name": "sgd", "lr": 0.1, "label": "adam"}, **CONTROLLED)
    assert sorted(label for label in found if label in ("adam", "adam #2")) == ["adam", "adam #2"]
