"""Guesses in a real browser, offline: made by keyboard, answered after, remembered for the visit, fine without scripts."""

import json
import re

import polars as pl
import pytest

from mirage_lib import outputs
from tests.test_book import chapters

CHOICE = ("book/idea/resolution.html", "#guess-nothing-of-a-hundred")
NUMBER = ("book/arithmetic/longer-targets.html", "#guess-five-digits")
POINT = ("book/arithmetic/change-the-metric.html", "#guess-largest-model")


def opened(open_page, where, **settings):
    """Open a page and return it with its guess, whose controls are there."""
    page = open_page(where[0], **settings)
    page.locator(f"{where[1]}[data-state]").wait_for()
    return page, page.locator(where[1])


def answer(guess):
    return guess.locator("details.mirage-answer > div")


def said(guess) -> list[float]:
    """The numbers of the live region."""
    text = guess.locator("[role=status]").inner_text().replace("\u2212", "-").replace(",", "")
    return [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", text)]


def tab_to(page, selector, most=300):
    """Press Tab until what the selector names has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{most} presses of Tab do not reach {selector}")


def kept(page, where: str) -> int:
    """How many guesses a storage of the browser holds."""
    return page.evaluate(f"Object.keys({where}).filter(key => key.startsWith('mirage-guess')).length")


def slide(guess, wanted: float):
    """Move a slider to the place of a value."""
    values = json.loads(guess.get_attribute("data-guess"))["values"]
    slider = guess.locator("input[type=range]")
    slider.evaluate(
        "(input, k) => { input.value = k; input.dispatchEvent(new Event('input', { bubbles: true })); }",
        values.index(wanted),
    )


def test_by_keyboard_alone_a_choice_is_made_and_only_then_the_answer_shows(open_page):
    page, guess = opened(open_page, CHOICE)
    assert not answer(guess).is_visible()
    tab_to(page, f"{CHOICE[1]} input[type=radio]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, f"{CHOICE[1]} button[type=submit]", most=1)
    page.keyboard.press("Enter")
    assert answer(guess).is_visible()
    assert page.evaluate("document.activeElement.parentElement.className") == "mirage-answer"
    status = guess.locator("[role=status]").inner_text()
    # Zero of a hundred: below 5 % probability from 1 - 0.05 ** 0.01 = 3 % on, so the fourth option.
    assert "You chose (b)" in status and "The answer is (d)" in status


def test_a_slider_moves_by_keyboard_and_says_its_number(open_page):
    page, guess = opened(open_page, NUMBER)
    tab_to(page, f"{NUMBER[1]} input[type=range]")
    before = guess.locator("output").inner_text()
    page.keyboard.press("ArrowRight")
    after = guess.locator("output").inner_text()
    assert after != before
    assert guess.locator("input[type=range]").get_attribute("aria-valuetext") == after
    assert page.locator(f"label[for='{guess.locator('input').get_attribute('id')}']").inner_text().strip()


def test_without_a_choice_nothing_opens(open_page):
    _, guess = opened(open_page, CHOICE)
    guess.locator("button[type=submit]").click()
    assert not answer(guess).is_visible()


def test_the_number_said_is_the_published_one_and_how_far_off_is_right(open_page):
    page, guess = opened(open_page, NUMBER)
    slide(guess, 100.0)
    guess.locator("button[type=submit]").click()
    guessed, truth, times = said(guess)[:3]
    rows = outputs.load_table("fig4").filter(
        (pl.col("task") == "addition") & (pl.col("target_str_len") == 5) & (pl.col("temperature") == 0)
    )
    share = rows.filter(pl.col("params").is_between(6e9, 7e9))["value"].item()
    assert guessed == 100
    assert truth == pytest.approx(1 / share, rel=0.006)
    assert times == pytest.approx(truth / guessed, rel=0.006)


def test_the_true_point_is_the_share_of_right_answers_in_the_frozen_outputs(open_page):
    page, guess = opened(open_page, POINT)
    slide(guess, 0.25)
    drawn = guess.locator(".mirage-known svg circle").get_attribute("cy")
    slide(guess, 0.5)
    assert float(guess.locator(".mirage-known svg circle").get_attribute("cy")) < float(drawn)
    guess.locator("button[type=submit]").click()
    table = outputs.load("arithmetic-ladder")
    rows = table.filter(task="addition", group=4, seed=0, n_params=table["n_params"].max())
    right = {}
    for item, target, output in rows.select("item", "target", "output").iter_rows():
        right.setdefault(item, []).append(output.strip() == target)
    truth = sum(sum(r) / len(r) for r in right.values()) / len(right)
    guessed, shown, off = said(guess)[:3]
    assert guessed == 0.5
    assert shown == pytest.approx(truth, abs=6e-4)
    assert off == pytest.approx(abs(truth - 0.5), abs=6e-4)
    assert answer(guess).locator("svg").is_visible()
    assert not guess.locator(".mirage-known").is_visible()


def test_a_guess_is_kept_for_the_visit_and_forgotten_on_guess_again(open_page):
    page, guess = opened(open_page, CHOICE)
    guess.locator("input").first.check()
    guess.locator("button[type=submit]").click()
    status = guess.locator("[role=status]").inner_text()
    page.reload()
    guess = page.locator(f"{CHOICE[1]}[data-state=open]")
    assert guess.locator("[role=status]").inner_text() == status
    assert answer(guess).is_visible()
    assert kept(page, "sessionStorage") == 1
    assert kept(page, "localStorage") == 0 and page.evaluate("document.cookie") == ""
    guess.locator("button:visible").click()
    guess = page.locator(f"{CHOICE[1]}[data-state=asked]")
    assert not answer(guess).is_visible()
    assert page.evaluate("document.activeElement.type") == "radio"
    assert kept(page, "sessionStorage") == 0


def test_the_answer_can_be_seen_without_a_guess(open_page):
    page, guess = opened(open_page, POINT)
    guess.locator("details.mirage-answer > summary").click()
    page.locator(f"{POINT[1]}[data-state=open]").wait_for()
    assert answer(guess).is_visible()
    assert "without a guess" in guess.locator("[role=status]").inner_text()
    assert not guess.locator("details .mirage-mine").is_visible()


def test_a_browser_that_refuses_storage_takes_guesses_all_the_same(open_page):
    page = open_page(CHOICE[0])
    # Only the keys of guesses: the theme keeps the scroll of its sidebar, and does not survive a refusal.
    page.add_init_script(
        "for (const name of ['getItem', 'setItem', 'removeItem']) { const plain = Storage.prototype[name];"
        " Storage.prototype[name] = function (key, ...rest) {"
        " if (key.startsWith('mirage-guess')) throw new DOMException('refused', 'SecurityError');"
        " return plain.call(this, key, ...rest); }; }"
    )
    page.reload()
    page.locator(f"{CHOICE[1]}[data-state=asked]").wait_for()
    guess = page.locator(CHOICE[1])
    guess.locator("input").first.check()
    guess.locator("button[type=submit]").click()
    assert answer(guess).is_visible()
    assert kept(page, "sessionStorage") == 0


def test_every_guess_of_the_book_hides_its_answer_until_one_is_made(open_page, site):
    kinds, pages = [], set()
    for path in chapters():
        if 'class="mirage-guess"' not in (site / f"{path}.html").read_text():
            continue
        page = open_page(f"{path}.html")
        page.locator(".mirage-guess[data-state]").first.wait_for()
        for guess in page.locator(".mirage-guess").all():
            data = json.loads(guess.get_attribute("data-guess"))
            kinds.append("point" if "ends" in data else data["kind"])
            pages.add(path)
            assert not answer(guess).is_visible(), path
            assert guess.locator("legend").inner_text().strip()
            if data["kind"] == "choice":
                guess.locator("input").first.check()
            guess.locator("button[type=submit]").click()
            assert len(answer(guess).inner_text().split()) > 8, path
            assert "You " in guess.locator("[role=status]").inner_text()
        page.context.close()
    assert len(pages) >= 8
    assert kinds.count("number") >= 2 and kinds.count("point") >= 2 and kinds.count("choice") >= 4


def test_without_scripts_question_options_drawing_and_answer_are_there(open_page):
    page = open_page(CHOICE[0], java_script_enabled=False)
    guess = page.locator(CHOICE[1])
    assert guess.locator(".mirage-question").is_visible()
    assert guess.locator("ol.mirage-options > li").count() == 4
    assert not answer(guess).is_visible()
    guess.locator("summary").click()
    assert answer(guess).is_visible()
    page = open_page(POINT[0], java_script_enabled=False)
    guess = page.locator(POINT[1])
    assert guess.locator(".mirage-known svg").is_visible()
    page = open_page(NUMBER[0], java_script_enabled=False)
    assert "100,000" in page.locator(f"{NUMBER[1]} .mirage-span").inner_text()
