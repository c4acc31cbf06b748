import csv
import io
import json
import math

import pytest

from gfopt.errors import UnknownNameError
from gfopt.report.column_styles import format_significant
from gfopt.report.compact_table import compact
from gfopt.report.formats import formats
from gfopt.report.summary import summarise
from gfopt.report.table import SCHEMA
from tests.record_factory import missed, record


@pytest.fixture
def table():
    other = {"label": "position_wise", "optimizer": "position_wise"}
    return summarise(
        [
            record(seed=1, epochs=2243, seconds=12.3456, loss=3.24830001),
            missed(seed=1, loss=3.2494, **other),
            missed(seed=2, loss=3.2494, **other),
            record(seed=3, epochs=12.5, **other),
        ]
    )


TABLE = """\
**digits · train_loss < 0.5 · end-of-epoch evaluation · backend plain · chance level 2.30260**

| label            |          reached |         epochs |        seconds |    loss | accuracy |
| ---------------- | ---------------: | -------------: | -------------: | ------: | -------: |
| gradient_descent |              1/1 |           2243 |           12.3 | 3.24830 |   90.0 % |
| position_wise    | 1/3 (6.1–79.2 %) | inf (12.5–inf) | inf (1.25–inf) | 3.24940 |   90.0 % |
"""  # noqa: RUF001

COSTS = """
| label            |      epochs | expected |     updates | forward_passes | backward_passes |      passes |     seconds | cpu_seconds |
| ---------------- | ----------: | -------: | ----------: | -------------: | --------------: | ----------: | ----------: | ----------: |
| gradient_descent |        2243 |     2243 |          40 |             40 |              40 |          80 |        12.3 |        1.00 |
| position_wise    | not reached |   2012.5 | not reached |    not reached |     not reached | not reached | not reached | not reached |
"""  # noqa: E501

PAIRS = """
| cost    | label         | against          | pairs | wins | losses | ties | ratio_median | test |   p | p_holm | smallest_p | logrank_p |
| ------- | ------------- | ---------------- | ----: | ---: | -----: | ---: | -----------: | ---- | --: | -----: | ---------: | --------: |
| epochs  | position_wise | gradient_descent |     1 |    0 |      0 |    1 |              | sign |   1 |      1 |          1 |         1 |
| passes  | position_wise | gradient_descent |     1 |    0 |      1 |    0 |          inf | sign |   1 |      1 |          1 |      0.32 |
| seconds | position_wise | gradient_descent |     1 |    0 |      1 |    0 |          inf | sign |   1 |      1 |          1 |      0.32 |
"""  # noqa: E501

CSV = """\
experiment,dataset,optimizer,label,target,reading,backend,seeds,reached,reached_lo,reached_hi,epochs,epochs_lo,epochs_hi,seconds,seconds_lo,seconds_hi,timing,compile_seconds,loss,accuracy,test_accuracy,chance,tuning_trials,tuning_passes,tuning_seconds,path,schema
digits,digits,gradient_descent,gradient_descent,train_loss < 0.5,end_of_epoch,plain,1,1,0.20654931437723745,1.0,2243.0,,,12.3456,,,,,3.24830001,0.9,,2.3026,,,,plain,1
digits,digits,position_wise,position_wise,train_loss < 0.5,end_of_epoch,plain,3,1,0.06149194472039626,0.7923403991979523,inf,12.5,inf,inf,1.25,inf,,,3.2494,0.9,,2.3026,,,,plain,1
"""  # noqa: E501

LATEX = r"""% needs \usepackage{booktabs}
\noindent\textbf{digits · train\_loss \textless{} 0.5 · end-of-epoch evaluation · backend plain · chance level 2.30260}\par\smallskip
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
    text = formats["md"](table)
    notes = "\n".join(f"- {note}" for note in table.notes)
    assert text.startswith(f"{TABLE}\n{notes}\n\n## ")
    assert COSTS in text
    assert text.endswith(PAIRS)


def test_csv_has_full_precision_a_schema_and_inf_for_a_miss(table):
    assert formats["csv"](table) == CSV
    (_, miss) = csv.DictReader(io.StringIO(formats["csv"](table)))
    assert float(miss["epochs"]) == math.inf


def test_json_has_schema_columns_rows_and_notes_and_null_for_a_miss(table):
    found = json.loads(formats["json"](table))
    assert found["schema"] == SCHEMA
    assert found["columns"] == table.names
    assert found["rows"][0]["loss"] == 3.24830001
    assert found["rows"][1]["epochs"] is None
    assert found["notes"] == table.notes


def test_latex_is_booktabs_with_medians_and_ranges_in_one_cell(table):
    text = formats["latex"](table)
    assert text.startswith(LATEX)
    assert text.count(r"{\footnotesize\noindent ") == len(table.notes)
    assert r"train\_loss on digits" in text


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
    assert second.title.startswith("other · digits · train_loss < 0.5 · end-of-epoch evaluation")
    assert second.title.endswith("chance level 2.30260")


def test_the_error_for_an_unknown_format_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'csv'"):
        formats["cvs"]


def test_a_title_names_the_backend_only_beside_seconds():
    (timed,), (batch,) = (
        compact(summarise([record(backend="numba", replicas=replicas)])) for replicas in (1, 2)
    )
    assert "backend numba" in timed.title
    assert "backend" not in batch.title


def test_every_table_has_its_schema_in_csv(table):
    for each in (table, *table.more.values()):
        rows = list(csv.DictReader(io.StringIO(formats["csv"](each))))
        assert rows
        assert all(list(row)[-1] == "schema" and row["schema"] == str(SCHEMA) for row in rows)


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
def test_numbers_keep_so_many_significant_digits(value, digits, text):
    assert format_significant(value, digits) == text
