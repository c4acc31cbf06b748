import csv
import io
import json
import math

import pytest

from gfopt.errors import UnknownNameError
from gfopt.formats import compact, formats, significant
from gfopt.tables import COLUMNS, summarise
from tests.reading.factory import missed, record


@pytest.fixture
def table():
    rule = {"label": "position_wise", "optimizer": "position_wise"}
    return summarise(
        [
            record(seed=1, epochs=2243, seconds=12.3456, loss=3.24830001),
            missed(seed=1, loss=3.2494, **rule),
            missed(seed=2, loss=3.2494, **rule),
            record(seed=3, epochs=12.5, **rule),
        ]
    )


MARKDOWN = """\
**digits · train_loss < 0.5 · end_of_epoch · chance 2.30260**

| label            |          reached |         epochs |        seconds |    loss | accuracy |
| ---------------- | ---------------: | -------------: | -------------: | ------: | -------: |
| gradient_descent |              1/1 |           2243 |           12.3 | 3.24830 |   90.0 % |
| position_wise    | 1/3 (6.1–79.2 %) | inf (12.5–inf) | inf (1.25–inf) | 3.24940 |   90.0 % |

- Misses of train_loss < 0.5, counted as infinity: position_wise 2 of 3 runs (2 at the end of the budget).
- position_wise against gradient_descent, 1 pair: fewer epochs in 0 pairs, more in 0, undecided in 1; fewer sample-passes in 0 pairs, more in 1, undecided in 0; fewer training seconds in 0 pairs, more in 1, undecided in 0; no order is claimed, p = 1 is the least that so few can reach.
- Pairs share a seed, so start and order; ratios are geometric means; p is two-sided, after Holm's correction over the 1 comparisons of a cost; 1 pair can reach p = 1.
- Noise floor of the seconds: not known, no rule ran twice undisturbed.
- epochs = completed epochs when the loss of the resulting parameters is first below the target; the start is epoch 0.
- seconds = training, without evaluation; loss = train loss at the stop; accuracy on the held-out samples.
- Medians over seeds; in brackets, lo and hi, their minimum and maximum below 6 seeds; none for one seed.
- Epochs of each seed, in order: position_wise budget (1000), budget (1000), 12.5.
- 1 to 3 seeds a row: few starts, small differences between rows may be chance.
- Levels of train_loss on digits: chance 2.3026, class prior (best constant output) 2.301.
- Seconds are wall-clock on 4 threads of A; the rules took turns, A B B A.
- No controls: a gain here may be one that ordinary descent has at other rates.
- Learning rates and other options are those of the config, not tuned alike: the order of rows is no ranking of methods.

## Costs to the target

Medians; expected: in epochs, if a run that misses is started again, its cost kept. costs.csv has intervals and restricted means.

| label            |      epochs | expected |     updates | forward_passes | backward_passes |      passes |     seconds | cpu_seconds |
| ---------------- | ----------: | -------: | ----------: | -------------: | --------------: | ----------: | ----------: | ----------: |
| gradient_descent |        2243 |     2243 |          40 |             40 |              40 |          80 |        12.3 |        1.00 |
| position_wise    | not reached |   2012.5 | not reached |    not reached |     not reached | not reached | not reached | not reached |

## Seed by seed

Ratios of costs, label over against: below 1 label needs less.

| cost    | label         | against          | pairs | wins | losses | ties | ratio_median | test |   p | p_holm | smallest_p | logrank_p |
| ------- | ------------- | ---------------- | ----: | ---: | -----: | ---: | -----------: | ---- | --: | -----: | ---------: | --------: |
| epochs  | position_wise | gradient_descent |     1 |    0 |      0 |    1 |              | sign |   1 |      1 |          1 |         1 |
| passes  | position_wise | gradient_descent |     1 |    0 |      1 |    0 |          inf | sign |   1 |      1 |          1 |      0.32 |
| seconds | position_wise | gradient_descent |     1 |    0 |      1 |    0 |          inf | sign |   1 |      1 |          1 |      0.32 |
"""  # noqa: E501, RUF001 - a table is as wide as it is

CSV = """\
experiment,dataset,optimizer,label,target,reading,path,seeds,reached,reached_lo,reached_hi,epochs,epochs_lo,epochs_hi,seconds,seconds_lo,seconds_hi,timing,compile_seconds,loss,accuracy,test_accuracy,chance,tuning_trials,tuning_passes,tuning_seconds
digits,digits,gradient_descent,gradient_descent,train_loss < 0.5,end_of_epoch,plain,1,1,0.20654931437723745,1.0,2243.0,,,12.3456,,,,,3.24830001,0.9,,2.3026,,,
digits,digits,position_wise,position_wise,train_loss < 0.5,end_of_epoch,plain,3,1,0.06149194472039626,0.7923403991979523,inf,12.5,inf,inf,1.25,inf,,,3.2494,0.9,,2.3026,,,
"""  # noqa: E501

LATEX = r"""% needs \usepackage{booktabs}
\noindent\textbf{digits · train\_loss \textless{} 0.5 · end\_of\_epoch · chance 2.30260}\par\smallskip
\noindent\begin{tabular}{lrrrrr}
\toprule
label & reached & epochs & seconds & loss & accuracy \\
\midrule
gradient\_descent & 1/1 & 2243 & 12.3 & 3.24830 & 90.0 \% \\
position\_wise & 1/3 & inf (12.5--inf) & inf (1.25--inf) & 3.24940 & 90.0 \% \\
\bottomrule
\end{tabular}\par\medskip
"""  # noqa: E501


def test_markdown_is_a_table_under_what_its_rows_share_and_the_notes_as_a_list(table):
    assert formats["md"](table) == MARKDOWN


def test_csv_has_full_precision_and_says_inf_for_a_miss(table):
    assert formats["csv"](table) == CSV
    (_, miss) = csv.DictReader(io.StringIO(formats["csv"](table)))
    assert float(miss["epochs"]) == math.inf


def test_json_has_columns_rows_and_notes_and_says_null_for_a_miss(table):
    found = json.loads(formats["json"](table))
    assert found["columns"] == list(COLUMNS)
    assert found["rows"][0]["loss"] == 3.24830001
    assert found["rows"][1]["epochs"] is None
    assert found["notes"] == table.notes


def test_latex_is_booktabs_with_medians_and_ranges_in_one_cell(table):
    text = formats["latex"](table)
    assert text.startswith(LATEX)
    assert all(rf"{{\footnotesize\noindent {line}" in text for line in (r"Misses of train\_loss",))


def test_latex_escapes_what_labels_may_hold():
    text = formats["latex"](summarise([record(label=r"a_b & 50% {x} \y #1 ~^$")]))
    escaped = (
        r"a\_b \& 50\% \{x\} \textbackslash{}y \#1 \textasciitilde{}\textasciicircum{}\$ & 1/1"
    )
    assert escaped in text


def test_a_bar_in_a_label_does_not_end_the_markdown_cell():
    assert r"| a\|b " in formats["md"](summarise([record(label="a|b")]))


@pytest.mark.parametrize("name", sorted(formats))
def test_every_format_takes_an_empty_table_and_one_without_target_or_accuracy(name):
    bare = {"target": None, "target_value": None, "chance": None, "class_prior": None}
    bare |= {"train_accuracy": None, "valid_accuracy": None, "loss": math.nan, "replicas": 2}
    for records in ([], [record(**bare)]):
        assert formats[name](summarise(records)).endswith("\n")


def test_a_compact_table_has_no_empty_columns_and_one_part_for_each_race():
    runs = [record(), record(experiment="other", valid_accuracy=None, train_accuracy=None)]
    first, second = compact(summarise(runs))
    assert first.header == ["label", "reached", "epochs", "seconds", "loss", "accuracy"]
    assert second.header == ["label", "reached", "epochs", "seconds", "loss"]
    assert second.title == "other · digits · train_loss < 0.5 · end_of_epoch · chance 2.30260"


def test_an_unknown_format_is_told_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'csv'"):
        formats["cvs"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (3.24829, 5, "3.2483"),
        (0.5, 3, "0.500"),
        (999.6, 3, "1000"),
        (123.4, 3, "123"),
        (1234.5, 3, "1234"),
        (0.0, 3, "0.00"),
        (0.0000123, 3, "1.23e-05"),
        (2.5e8, 5, "2.5000e+08"),
    ],
)
def test_numbers_keep_so_many_digits(value, digits, text):
    assert significant(value, digits) == text
