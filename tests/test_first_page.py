"""The first page: one switch turns a jump into a slope; the map and the paths follow the chapters."""

import csv
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from tests.conftest import ROOT
from tools import picture

PAGE = "book/intro.html"
PHONE = {"width": 360, "height": 740}


def status(page) -> str:
    return page.locator(".mirage-switch .mirage-status").inner_text().replace("\u2212", "-")


def published(panel: str) -> np.ndarray:
    """GPT-3's points for sums with answers of 3 digits at temperature 0 from the frozen table, by size."""
    with open(ROOT / "mirage_lib" / "frozen" / "fig3.csv") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    kept = [row for row in rows if (row["panel"], row["target_str_len"], row["temperature"]) == (panel, "3", "0.0")]
    return np.array([float(row["value"]) for row in sorted(kept, key=lambda row: float(row["params"]))])


def test_the_first_screen_of_a_phone_holds_the_curve_and_every_button(open_page):
    page = open_page(PAGE, viewport=PHONE)
    page.locator(".mirage-switch[data-ready]").wait_for()
    for thing in page.locator(".mirage-switch label, .mirage-panels svg:visible").all():
        box = thing.bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"]
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def test_the_keyboard_switches_the_metric_and_the_page_says_what_the_table_holds(open_page):
    page = open_page(PAGE, reduced_motion="reduce")
    page.locator(".mirage-switch[data-ready]").wait_for()
    for panel, key in (("fig3_add_accuracy", None), ("fig3_add_neg_ted", "ArrowRight")):
        if key:
            page.locator(".mirage-switch input").first.focus()
            page.keyboard.press(key)
        values = published(panel)
        share = np.abs(np.diff(values)).max() / (values.max() - values.min())
        assert f"is {share:.0%} of the range" in status(page)
        assert page.locator(".mirage-panels svg:visible").count() == 1
    assert "Minus edit distance" in status(page)


def test_every_choice_of_buttons_shows_one_panel_of_its_own(open_page):
    page = open_page(PAGE)
    page.locator(".mirage-switch[data-ready]").wait_for()
    told = set()
    for models in page.locator("[data-button=models] input").all():
        models.check()
        for task in page.locator("[data-button=task] input").all():
            task.check()
            for metric in page.locator("[data-button=metric] input").all():
                metric.check()
                assert page.locator(".mirage-panels svg:visible").count() == 1
                told.add(status(page))
    assert len(told) == 4 * 2 * 2


def test_marks_move_and_arrive_where_the_panel_was_drawn(open_page):
    page = open_page(PAGE)
    page.locator(".mirage-switch[data-ready]").wait_for()
    second = page.locator(".mirage-panels svg").nth(1)
    places = (
        "svg => [...svg.querySelectorAll('circle')].map(c => ['cx', 'cy'].map(name => Number(c.getAttribute(name))))"
    )
    drawn = second.evaluate(places)
    page.locator("[data-button=metric] input").nth(1).check()
    page.wait_for_timeout(1200)
    assert second.evaluate(places) == drawn


def test_without_scripts_both_rulers_stand_there_and_no_dead_button(open_page):
    page = open_page(PAGE, java_script_enabled=False)
    assert page.locator(".mirage-panels svg:visible").count() == 2
    assert page.locator(".mirage-switch fieldset:visible").count() == 0


def test_the_map_names_every_chapter_under_its_part_in_order(open_page, site):
    page = open_page(PAGE)
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    boxes = page.locator(".mirage-part").all()
    assert [box.locator("p").first.inner_text() for box in boxes] == [part["caption"] for part in toc["parts"]]
    for box, part in zip(boxes, toc["parts"], strict=True):
        links = box.locator("a").all()
        assert len(links) == len(part["chapters"])
        for link, chapter in zip(links, part["chapters"], strict=True):
            target = re.sub(r"^\.\./", "", "book/" + link.get_attribute("href"))
            assert target.endswith(chapter["file"].removeprefix("book/") + ".html")
            title = re.search(r"<title>(.*?)( &#8212;|</title>)", (site / f"{chapter['file']}.html").read_text(), re.S)[1]
            words = re.sub(r"\W+", "", link.inner_text()).lower()
            assert words[:20] == re.sub(r"\W+", "", title).lower()[:20]


def test_three_paths_tell_their_minutes_and_the_first_takes_about_twenty(open_page):
    page = open_page(PAGE)
    paths = page.locator(".mirage-path").all()
    assert len(paths) == 3
    told = [path.inner_text() for path in paths]
    minutes = int(re.search(r"about (\d+) minutes", told[0])[1])
    parts = [int(x) for x in re.findall(r"(\d+) min\b", told[0].split("\n", 1)[1])]
    assert minutes == pytest.approx(sum(parts), abs=len(parts))
    assert 10 <= minutes <= 30
    assert float(re.search(r"about ([\d.]+) hours", told[2])[1]) > 2


def test_the_picture_of_the_readme_is_that_of_the_page(site):
    page = (site / "book/intro.html").read_text("utf-8")
    assert picture.PICTURE.read_text("utf-8") == picture.picture(page), "say `make picture`"
    ElementTree.fromstring(picture.PICTURE.read_text("utf-8"))
    assert f"]({picture.PICTURE.name})" in (picture.ROOT / "README.md").read_text("utf-8")
