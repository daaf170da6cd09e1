"""Every metric of the registry against a computation written here, or by a second library."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss

from mirage_lib import metrics
from mirage_lib.outputs import OutputsError

TEXT = [name for name in metrics.names() if metrics.get(name).needs == ("target", "output")]
CHOICE = [name for name in metrics.names() if metrics.get(name).needs == ("target_index", "probabilities")]
N = 1500


@pytest.fixture(scope="module")
def texts():
    """Targets and what might come back: right, mutated, unrelated, empty; some pairs more than once."""
    rng = np.random.default_rng(20231)
    pairs = []
    for _ in range(N):
        alphabet = list("0123456789") if rng.random() < 0.6 else list("aé日 -7\n")
        target = "".join(rng.choice(alphabet, rng.integers(1, 9)))
        said = list(target) if rng.random() < 0.8 else list(rng.choice(alphabet, rng.integers(0, 9)))
        for _ in range(rng.integers(0, 4)):
            where = int(rng.integers(0, len(said) + 1))
            said[where : where + int(rng.integers(0, 2))] = rng.choice(alphabet, rng.integers(0, 2)).tolist()
        pairs.append((target, "".join(said)))
    pairs += [pairs[k] for k in rng.integers(0, N, 300)]
    return pl.DataFrame(pairs, schema=["target", "output"], orient="row")


@pytest.fixture(scope="module")
def sentences():
    """Sentences of few different words, so that n-grams repeat and overlap."""
    rng = np.random.default_rng(77)
    words = ["the", "cat", "sat", "on", "mat", "42", "Dog"]
    pairs = []
    for _ in range(N):
        target = rng.choice(words, rng.integers(1, 12)).tolist()
        said = [word for word in target if rng.random() < 0.85]
        said[: int(rng.integers(0, 3))] = rng.choice(words, rng.integers(0, 4)).tolist()
        pairs.append((" ".join(target), " ".join(said)))
    return pl.DataFrame(pairs, schema=["target", "output"], orient="row")


@pytest.fixture(scope="module")
def choices():
    """Distributions over 2 to 6 choices; half have probabilities in eighths, so that ties are exact."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(N):
        size = int(rng.integers(2, 7))
        exact = np.bincount(rng.integers(0, size, 8), minlength=size) / 8
        rows.append((int(rng.integers(0, size)), (exact if k % 2 else rng.dirichlet(np.ones(size))).tolist()))
    return pl.DataFrame(rows, schema=["target_index", "probabilities"], orient="row")


def pairs_of(table):
    return list(zip(table["target"], table["output"], strict=True))


# --- every metric agrees with an independent computation ---------------------------------------


def test_exact_match_is_string_equality(texts):
    scores = metrics.get("exact_match").score(texts).to_list()
    assert scores == [float(target == output) for target, output in pairs_of(texts)]
    assert 0.1 < np.mean(scores) < 0.9


def levenshtein(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def test_token_edit_distance_is_the_one_of_a_plain_dynamic_programme(texts):
    scores = metrics.get("token_edit_distance").score(texts).to_list()
    assert scores == [levenshtein(target, output) for target, output in pairs_of(texts)]
    assert len(set(scores)) > 5


def test_per_token_accuracy_counts_matching_positions_of_the_target(texts):
    expected = []
    for target, output in pairs_of(texts):
        right = 0
        for position, character in enumerate(target):
            right += position < len(output) and output[position] == character
        expected.append(right / len(target))
    assert metrics.get("per_token_accuracy").score(texts).to_list() == pytest.approx(expected, abs=1e-12)


def lcs(a, b):
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            best[i + 1][j + 1] = best[i][j] + 1 if x == y else max(best[i][j + 1], best[i + 1][j])
    return best[-1][-1]


def test_rouge_l_sum_of_one_line_is_the_f1_of_the_longest_common_subsequence(sentences):
    expected = []
    for target, output in pairs_of(sentences):
        wanted, said = target.lower().split(), output.lower().split()
        common = lcs(wanted, said)
        expected.append(2 * common / (len(wanted) + len(said)))  # 2PR / (P + R), simplified
    assert metrics.get("rouge_l_sum").score(sentences).to_list() == pytest.approx(expected, abs=1e-12)


def sentence_bleu(target, output):
    """BLEU-4 as defined: clipped n-gram precisions, brevity penalty. The k-th order without a match
    counts 2^-k matches; orders longer than the output are left out; no match at all is 0."""
    wanted, said = target.split(), output.split()
    logs, empty_orders, matched = [], 0, False
    for order in range(1, min(4, len(said)) + 1):
        grams = Counter(tuple(said[i : i + order]) for i in range(len(said) - order + 1))
        known = Counter(tuple(wanted[i : i + order]) for i in range(len(wanted) - order + 1))
        hits = sum(min(count, known[gram]) for gram, count in grams.items())
        matched |= hits > 0
        empty_orders += hits == 0
        logs.append(math.log((hits or 0.5**empty_orders) / grams.total()))
    if not matched:
        return 0.0
    return min(1.0, math.exp(1 - len(wanted) / len(said))) * math.exp(sum(logs) / len(logs))


def test_bleu_is_sentence_bleu_with_exponential_smoothing_and_effective_order(sentences):
    expected = [sentence_bleu(*pair) for pair in pairs_of(sentences)]
    assert metrics.get("bleu").score(sentences).to_list() == pytest.approx(expected, abs=1e-9)
    assert {0.0, 1.0} < {round(value, 6) for value in expected}


def test_target_log_probability_is_the_column_itself():
    values = (-np.random.default_rng(0).exponential(3, N)).tolist()
    table = pl.DataFrame({"target_logprob": values})
    assert metrics.get("target_log_probability").score(table).to_list() == values


def test_multiple_choice_grade_shares_ties_evenly(choices):
    expected = []
    for target, probabilities in choices.iter_rows():
        best = [k for k, p in enumerate(probabilities) if p == max(probabilities)]
        expected.append(1 / len(best) if target in best else 0.0)
    assert metrics.get("multiple_choice_grade").score(choices).to_list() == expected
    assert {0.0, 0.5, 1.0} < set(expected)


def test_brier_binary_of_two_choices_is_that_of_scikit_learn():
    rng = np.random.default_rng(11)
    second, target = rng.random(N), rng.integers(0, 2, N)
    table = pl.DataFrame(
        {"target_index": target, "probabilities": np.column_stack([1 - second, second]).tolist()}
    )
    scores = metrics.get("brier_binary").score(table)
    for k in range(1000):
        assert scores[k] == pytest.approx(brier_score_loss(target[[k]], second[[k]], labels=[0, 1]), abs=1e-12)
    assert scores.mean() == pytest.approx(brier_score_loss(target, second), abs=1e-12)


def test_brier_binary_looks_at_the_right_choice_alone(choices):
    expected = [(1 - probabilities[target]) ** 2 for target, probabilities in choices.iter_rows()]
    assert metrics.get("brier_binary").score(choices).to_list() == pytest.approx(expected, abs=1e-12)


def test_brier_multiclass_is_that_of_scikit_learn_without_halving(choices):
    scores = metrics.get("brier_multiclass").score(choices)
    for k, (target, probabilities) in enumerate(choices.head(1000).iter_rows()):
        labels = range(len(probabilities))
        theirs = brier_score_loss([target], [probabilities], labels=list(labels), scale_by_half=False)
        assert scores[k] == pytest.approx(theirs, abs=1e-9)


def test_brier_multiclass_of_two_choices_is_twice_the_binary_one(choices):
    two = choices.filter(pl.col("probabilities").list.len() == 2)
    double = 2 * metrics.get("brier_binary").score(two)
    assert metrics.get("brier_multiclass").score(two).to_list() == pytest.approx(double.to_list())


def test_a_metric_that_no_test_compares_does_not_slip_in():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*metrics.py"))
    alone = [name for name in metrics.names() if f'metrics.get("{name}")' not in tests]
    assert not alone, f"compare with an independent computation: {', '.join(alone)}"


# --- what a metric promises about itself ---------------------------------------------------------


@pytest.mark.parametrize("name", TEXT)
def test_text_scores_keep_rows_and_range(name, texts):
    metric, shuffled = metrics.get(name), texts.sample(fraction=1, shuffle=True, seed=3)
    scores = metric.score(texts)
    assert len(scores) == texts.height and scores.name == name
    assert scores.is_between(*metric.range).all()
    one_by_one = {pair: score for pair, score in zip(pairs_of(texts), scores, strict=True)}
    assert metric.score(shuffled).to_list() == [one_by_one[pair] for pair in pairs_of(shuffled)]


@pytest.mark.parametrize("name", TEXT)
def test_a_repeated_pair_is_scored_in_every_row_where_it_stands(name):
    table = pl.DataFrame({"target": ["12", "7", "12", "12"], "output": ["12", "0", "12", "1"]})
    scores = metrics.get(name).score(table).to_list()
    best = 0.0 if metrics.get(name).better == "lower" else 1.0
    assert scores[0] == scores[2] == pytest.approx(best)
    assert scores[1] != scores[0]


@pytest.mark.parametrize("name", TEXT)
def test_categorical_columns_score_like_strings(name, texts):
    some = texts.head(200)
    categorical = some.cast(pl.Categorical)
    assert metrics.get(name).score(categorical).to_list() == metrics.get(name).score(some).to_list()


@pytest.mark.parametrize("name", CHOICE)
def test_choice_scores_keep_row_order_and_range(name, choices):
    metric = metrics.get(name)
    scores = metric.score(choices)
    assert scores.reverse().to_list() == metric.score(choices.reverse()).to_list()
    assert scores.is_between(metric.range[0] - 1e-12, metric.range[1] + 1e-12).all()


@pytest.mark.parametrize("name", ["exact_match", "per_token_accuracy", "rouge_l_sum", "bleu"])
def test_the_better_end_of_the_range_is_where_right_answers_are(name, sentences):
    right = sentences.select("target", output="target")
    assert metrics.get(name).better == "higher"
    assert metrics.get(name).score(right).to_list() == pytest.approx([1.0] * N)


@pytest.mark.parametrize("name", ["token_edit_distance", "brier_binary", "brier_multiclass"])
def test_a_metric_of_which_lower_is_better_gives_zero_to_a_sure_right_answer(name):
    sure = pl.DataFrame(
        {"target": ["84"], "output": ["84"], "target_index": [1], "probabilities": [[0.0, 1.0]]}
    )
    assert metrics.get(name).better == "lower"
    assert metrics.get(name).score(sure).to_list() == [0.0]


def test_chance_of_the_multiple_choice_grade_is_what_a_blind_guesser_scores():
    rng = np.random.default_rng(8)
    sizes = rng.choice([2, 3, 5], 6000, p=[0.5, 0.3, 0.2])
    blind = pl.DataFrame(
        {
            "target_index": [int(rng.integers(0, size)) for size in sizes],
            "probabilities": [rng.dirichlet(np.ones(size)).tolist() for size in sizes],
        }
    )
    grade = metrics.get("multiple_choice_grade")
    assert grade.chance(blind) == pytest.approx(np.mean(1 / sizes))
    assert grade.score(blind).mean() == pytest.approx(grade.chance(blind), abs=4 * 0.5 / np.sqrt(6000))
    assert metrics.get("exact_match").chance(blind) is None


def test_usable_metrics_are_those_whose_columns_are_there(choices, texts):
    assert sorted(metrics.usable(choices)) == sorted(CHOICE)
    assert sorted(metrics.usable(texts)) == sorted(TEXT)


# --- errors name what was wrong and what is allowed ------------------------------------------------


def test_an_unknown_metric_is_named_beside_all_that_exist():
    with pytest.raises(KeyError) as error:
        metrics.get("exact_mtach")
    assert "'exact_mtach'" in str(error.value)
    assert all(name in str(error.value) for name in metrics.names())


@pytest.mark.parametrize("name", metrics.names())
def test_a_missing_column_is_named_beside_those_needed(name):
    metric = metrics.get(name)
    table = pl.DataFrame({column: ["x"] for column in ["other", *metric.needs[:-1]]})
    with pytest.raises(OutputsError) as error:
        metric.score(table)
    assert repr(metric.needs[-1]) in str(error.value) and metric.label in str(error.value)
    assert all(column in str(error.value) for column in metric.needs)


@pytest.mark.parametrize("name", metrics.names())
def test_an_empty_table_is_refused(name):
    empty = pl.DataFrame({column: [] for column in metrics.get(name).needs})
    with pytest.raises(OutputsError, match="empty table: at least one row is needed"):
        metrics.get(name).score(empty)


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("column", ["target", "output"])
def test_a_missing_text_is_refused_and_not_scored_zero(name, column):
    table = pl.DataFrame({"target": ["a", "b"], "output": ["a", "b"]})
    table = table.with_columns(pl.Series(column, ["a", None]))
    with pytest.raises(OutputsError, match=f"'{column}' has 1 missing values: fill or drop"):
        metrics.get(name).score(table)


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_a_log_probability_that_is_no_number_is_refused_with_its_row(bad):
    table = pl.DataFrame({"target_logprob": [-1.0, bad]})
    with pytest.raises(ValueError, match=r"target_log_probability gave (nan|-inf) for row 1.*target_logprob"):
        metrics.get("target_log_probability").score(table)


@pytest.mark.parametrize("name", CHOICE)
@pytest.mark.parametrize(
    ("target", "probabilities", "message"),
    [
        (0, [0.5, 0.4], r"row 1 sum to 0\.9: they have to sum to 1"),
        (0, [math.nan, 1.0], r"row 1 sum to nan: they have to sum to 1"),
        (0, [-0.5, 1.5], r"have -0\.5 in them: each has to lie between 0 and 1"),
        (0, [], r"row 1 sum to -?0: they have to sum to 1"),
        (0, [0.5, None, 0.5], r"'probabilities' has 1 missing values"),
        (None, [0.5, 0.5], r"'target_index' has 1 missing values"),
        (2, [0.5, 0.5], r"target_index of row 1 is 2, but there are 2 choices: 0 is the first"),
        (-1, [0.5, 0.5], r"target_index of row 1 is -1, but there are 2 choices"),
    ],
)
def test_what_is_no_distribution_over_choices_is_refused(name, target, probabilities, message):
    table = pl.DataFrame({"target_index": [0, target], "probabilities": [[1.0, 0.0], probabilities]})
    with pytest.raises(OutputsError, match=message):
        metrics.get(name).score(table)


# --- readers' own ----------------------------------------------------------------------------------


@pytest.fixture
def own_registry(monkeypatch):
    monkeypatch.setattr(metrics.registry, "_REGISTRY", dict(metrics.registry._REGISTRY))


def test_a_reader_registers_a_metric_in_three_lines(own_registry):
    @metrics.metric(label="First digit", needs=("target", "output"), range=(0, 1))
    def first_digit(outputs):
        return outputs["target"].str.head(1) == outputs["output"].str.head(1)

    table = pl.DataFrame({"target": ["12", "34"], "output": ["19", "43"]})
    assert metrics.get("first_digit").score(table).to_list() == [1.0, 0.0]
    assert metrics.names()[-1] == "first_digit" and "first_digit" in metrics.usable(table)


def test_a_metric_may_return_a_list_or_an_array(own_registry):
    table = pl.DataFrame({"output": ["a", "bcd"]})
    for make in (list, np.array):
        own = metrics.metric(label="Length", needs=("output",), range=(0, math.inf))(
            lambda outputs, make=make: make([len(text) for text in outputs["output"]])
        )
        assert own.score(table).to_list() == [1.0, 3.0]


def test_a_metric_that_averages_instead_of_scoring_rows_is_told_so(own_registry):
    @metrics.metric(label="Mean", needs=("output",), range=(0, 1))
    def averaged(outputs):
        return [0.5]

    with pytest.raises(ValueError, match="averaged gave 1 scores for 3 outputs"):
        averaged.score(pl.DataFrame({"output": ["a", "b", "c"]}))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"better": "up"}, "'up'.*'higher' or 'lower'"), ({"shape": "bent"}, "'bent'.*linear, nonlinear, disc")],
)
def test_a_metric_declared_with_an_unknown_word_is_refused(own_registry, wrong, message):
    before = metrics.names()
    with pytest.raises(ValueError, match=message):
        metrics.metric(label="x", needs=("output",), range=(0, 1), **wrong)(lambda outputs: outputs["output"])
    assert metrics.names() == before
