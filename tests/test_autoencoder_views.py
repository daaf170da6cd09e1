"""Views and claims about autoencoders, against direct counts, closed forms and NumPy."""

import numpy as np
import polars as pl
import pytest

from mirage_lib.analyses import seeds
from mirage_lib.claims import autoencoder as measured
from mirage_lib.claims import registry
from mirage_lib.metrics.vision import reconstruction_within
from mirage_lib.show import autoencoder_views, threshold_views

THRESHOLDS = (0.05, 0.1, 0.25, 0.5, 1.0)


def table(sizes=(10, 100, 1000, 10_000, 100_000, 1_000_000), seeds=(0, 1, 2), pictures=200):
    """Errors that fall as the inverse square root of size, log-normal over pictures."""
    rng = np.random.default_rng(0)
    parts = []
    for size in sizes:
        for seed in seeds:
            errors = np.exp(rng.normal(-0.5 * np.log(size), 0.5, pictures)).astype(np.float32)
            row = {"model": f"bottleneck {size}", "n_params": size, "seed": seed, "item": [f"{k:05}" for k in range(pictures)]}
            parts.append(pl.DataFrame(row | {"squared_error": errors}))
    return pl.concat(parts)


def test_within_equals_a_direct_count_by_the_metric():
    outputs = table()
    ours = measured.within(outputs, THRESHOLDS)
    for c in THRESHOLDS:
        counted = outputs.with_columns(reconstruction_within(c).score(outputs).alias("s")).group_by("n_params", "seed").agg(pl.col("s").mean())
        both = ours.filter(pl.col("c") == c).join(counted, on=["n_params", "seed"])
        assert both.height == 18
        assert both["estimate"].to_list() == pytest.approx(both["s"].to_list())


def test_an_error_equal_to_the_threshold_is_not_within_it():
    rows = {"model": "m", "n_params": 9, "seed": 0, "squared_error": pl.Series([0.1, 0.3], dtype=pl.Float32)}
    assert measured.within(pl.DataFrame(rows), (0.1,))["estimate"].to_list() == [0.0]


def test_fraction_never_falls_as_the_threshold_grows():
    rows = measured.within(table(), THRESHOLDS).sort("n_params", "seed", "c")
    for _, part in rows.group_by("n_params", "seed"):
        assert (part["estimate"].diff().drop_nulls() >= 0).all()


def test_curve_takes_sizes_with_different_numbers_of_seeds():
    networks = pl.DataFrame({"n_params": [10, 10, 100], "seed": [0, 1, 0], "estimate": [0.2, 0.4, 0.9]})
    one = seeds.curve(networks, draws=50)
    assert one.values.tolist() == pytest.approx([0.3, 0.9])
    assert one.noise[0] > 0.01 and one.noise[1] == pytest.approx(0, abs=1e-5)
    assert one.even == pytest.approx(one.noise[0] / np.sqrt(2))


def test_a_power_law_of_the_mean_error_has_no_break_and_a_leap_has():
    smooth = seeds.judge(measured.minus_error(measured.errors(table()), log=True))
    assert smooth["p"] > 0.05
    assert smooth["score"] == pytest.approx(5, rel=0.1)  # six evenly spaced points on a line
    leap = table().with_columns(squared_error=pl.when(pl.col("n_params") < 10_000).then(1 + pl.col("squared_error") / 100).otherwise(0.01))
    assert seeds.judge(measured.minus_error(measured.errors(leap)))["p"] < 0.05


def test_reaching_gives_back_the_share():
    outputs = table()
    for share in (0.32, 0.45):
        c = measured.reaching(outputs, share)
        shares = measured.within(outputs.filter(pl.col("n_params") == 1_000_000), (c,))["estimate"]
        assert shares.mean() == pytest.approx(share, abs=0.01)
    with pytest.raises(ValueError, match="between 0 and 1"):
        measured.reaching(outputs, 1.5)


def test_exponents_of_a_power_law_are_its_power():
    sizes = np.array([10, 50, 1000.0])
    assert autoencoder_views.exponents(sizes, 3 * sizes**-0.7)[1:].to_list() == pytest.approx([-0.7, -0.7])


def test_histogram_table_counts_each_photograph():
    outputs = measured.photograph(table())
    shown = autoencoder_views.histogram_figure(outputs, [10, 1000], 0.1, seed=1).table
    for row in shown.iter_rows(named=True):
        part = outputs.filter((pl.col("n_params") == row["n_params"]) & (pl.col("seed") == 1) & (pl.col("photograph") == row["photograph"]))
        assert row["median"] == pytest.approx(np.median(part["squared_error"]), rel=1e-6)
        assert row["within c"] == pytest.approx(np.mean(part["squared_error"].to_numpy() < np.float32(0.1)))
        assert row["pictures"] == 100
    with pytest.raises(ValueError, match="seed 9"):
        autoencoder_views.histogram_figure(outputs, [10], 0.1, seed=9)


def test_score_figure_tells_where_the_score_is_infinite():
    judged = measured.judged(measured.within(table(), (1e-6, 0.0001, 0.01, 0.05)))
    figure = autoencoder_views.score_figure(judged, 5.0, (0.01,))
    endless = judged.filter(pl.col("score").is_infinite())["c"].to_list()
    assert ("infinite" in figure.alt) == bool(endless)
    assert figure.table.height == 4


def test_explorer_has_every_threshold_and_a_sparse_view():
    rows = measured.within(table(), THRESHOLDS)
    whole = autoencoder_views.threshold_explorer("t", rows, 0.1, every=2)
    sizes = next(control for control in whole.controls if control.name == "sizes")
    assert [option["label"] for option in sizes.options] == ["all 6", "3 of them"]
    assert whole.rows["c"].unique().sort().to_list() == list(THRESHOLDS)
    assert whole.rows.filter(pl.col("sizes") == "shown")["n_params"].unique().sort().to_list() == [100, 10_000, 1_000_000]


def test_published_points_are_those_of_the_figure():
    x, y = measured.published_curve("periodic elements")
    assert len(x) == 12 and (y >= 0).all() and y[-1] == 22.5
    assert len(measured.published_curve("autoencoder error")[0]) == 19


def test_frozen_family_is_the_one_that_the_chapter_tells_of():
    told = registry.frozen(measured.NAME)
    sizes = sorted(told["n_params"].unique())
    assert sizes == [2 * 3072 * h + h + 3072 for h in (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 196, 256, 384, 512, 768, 1024)]
    assert told.group_by("n_params", "seed").len()["len"].unique().to_list() == [2000]
    for share, c in zip((0.3175, 0.4533), measured.chosen(), strict=True):
        largest = told.filter(pl.col("n_params") == sizes[-1])["squared_error"].to_numpy()
        assert np.mean(largest < c) == pytest.approx(share, abs=0.002)
    for name in ("autoencoder_smooth", "autoencoder_threshold_sharp", "autoencoder_like_periodic_elements"):
        assert registry.TESTS[name]().verdict in ("upheld", "partly", "not upheld")


def test_shares_below_thresholds_are_direct_counts_seed_by_seed():
    outputs = table()
    found = threshold_views.shares(outputs, 0.001, 3)
    assert len(set(found.grid)) == threshold_views.STEPS + 1
    for k in (0, 17, 40, threshold_views.STEPS):
        counted = outputs.group_by("n_params", "seed").agg(s=(pl.col("squared_error") < found.grid[k]).mean()).group_by("n_params").agg(
            pl.col("s").mean(), low=pl.col("s").min(), high=pl.col("s").max()
        ).sort("n_params")
        for ours, name in ((found.mean, "s"), (found.least, "low"), (found.most, "high")):
            assert ours[:, k] == pytest.approx(counted[name].to_numpy())
    with pytest.raises(ValueError, match="0.5 to 0.1"):
        threshold_views.shares(outputs, 0.5, 0.1)
    with pytest.raises(ValueError, match="7 parameters"):
        threshold_views.threshold("t", outputs, 7, 0.1)


def test_the_threshold_moves_by_keyboard_and_says_the_counted_share(open_page):
    page = open_page("book/vision/autoencoder.html")
    page.locator("#histogram").scroll_into_view_if_needed()
    figure = page.locator("#histogram[data-ready=true]")
    slide, status = figure.locator("input[type=range]"), figure.locator(".mirage-status")
    slide.focus()
    page.keyboard.press("End")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    c = float(figure.locator("output").inner_text())
    figure.locator("select").select_option("3")
    outputs = registry.frozen(measured.NAME)
    size = sorted(outputs["n_params"].unique())[3]
    networks = outputs.filter(pl.col("n_params") == size).group_by("seed").agg(s=(pl.col("squared_error") < c).mean())
    assert f"Threshold {c:g}: {networks['s'].mean():.2f} of the errors" in status.inner_text()
    cut, bars = float(figure.locator(".cut").get_attribute("x1")), figure.locator(".bar").all()
    filled = [float(bar.get_attribute("x")) < cut - 0.01 for bar in bars if bar.get_attribute("fill") != "none"]
    assert all(filled) and len(filled) == len(bars) - 12
