"""The second language: complete, whole, reachable both ways, and marked where it is not there."""

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from babel.messages.catalog import Catalog

from tools import translate
from tests.test_book import Page

ROOT = Path(__file__).resolve().parent.parent
LANGUAGE, FOLDER = "zh_CN", "zh-cn"
TRANSLATED = translate.pages(ROOT, LANGUAGE)
CJK = r"[\u4e00-\u9fff]"
# What is English by intent: cells, code, works and their authors, titles of English pages in the map and the paths.
ENGLISH_BY_INTENT = (
    "[lang=en], pre, code, math, .bibtex-citation, .citation-list, .citation, .mirage-cite, .mirage-languages, "
    ".mirage-map a[hreflang=en], .mirage-path a[hreflang=en]"
)


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> dict[str, Catalog]:
    """What translators would get today, page by page."""
    made = translate.extract(ROOT, LANGUAGE, tmp_path_factory.mktemp("messages"))
    return {page: translate.load(made / f"{page}.pot") for page in TRANSLATED}


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_translation_is_complete_up_to_date_and_keeps_links_roles_formulas_numbers(templates, page):
    known = translate.load(translate.catalogue(ROOT, LANGUAGE, page))
    assert len(known) > 0
    assert not translate.complaints(templates[page], known), "run `make translations`, then translate"


def catalogue(**strings: str) -> Catalog:
    made = Catalog()
    for key, string in strings.items():
        made.add(key, string)
    return made


def test_what_is_missing_changed_or_left_over_is_named():
    template = catalogue(One="", Two="")
    assert not translate.complaints(template, catalogue(One="一", Two="二"))
    assert "'Two'" in translate.complaints(template, catalogue(One="一", Two=""))[0]
    assert "'Two'" in translate.complaints(template, catalogue(One="一"))[0]
    assert "'Three'" in translate.complaints(template, catalogue(One="一", Two="二", Three="三"))[0]
    guessed = catalogue(One="一", Two="二")
    guessed["Two"].flags.add("fuzzy")
    assert "'Two'" in translate.complaints(template, guessed)[0]


ORIGINAL = "The **mean** of {term}`tokens <token>` in [Fig. 2](a.md#b), {cite:p}`x2020,y` says $p^5$ in `n` of 1.5 cases"
FAITHFUL = "[图 2](a.md#b)中{term}`词元 <token>`的**均值** {cite:p}`x2020,y` 表明，1.5 个例子里 `n` 为 $p^5$"


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("<token>", "<tokens>"),
        ("{term}", "{ref}"),
        ("a.md#b", "a.md"),
        ("图 2", "图 3"),
        ("x2020,y", "x2020"),
        ("$p^5$", "$p^6$"),
        ("`n`", "n"),
        ("1.5", "15"),
        ("**均值**", "均值"),
    ],
)
def test_a_translation_that_loses_something_is_caught(there, here):
    assert translate.lost(ORIGINAL, FAITHFUL) == []
    assert translate.lost(ORIGINAL, FAITHFUL.replace(there, here))


def test_an_update_keeps_translations_and_marks_changed_strings(tmp_path):
    path = tmp_path / "page.po"
    translate.renew(path, catalogue(**{"The first of all sentences": "", "Gone": ""}), LANGUAGE, "page")
    empty = 'msgid "The first of all sentences"\nmsgstr "'
    path.write_text(path.read_text().replace(empty, empty + "第一句"))
    translate.renew(path, catalogue(**{"The first of all sentences": "", "New": ""}), LANGUAGE, "page")
    known = translate.load(path)
    assert known["The first of all sentences"].string == "第一句"
    assert known["New"].string == "" and "Gone" not in known
    same = path.read_text()
    translate.renew(path, catalogue(**{"The first of all sentences": "", "New": ""}), LANGUAGE, "page")
    assert path.read_text() == same
    translate.renew(path, catalogue(**{"The first of all our sentences": "", "New": ""}), LANGUAGE, "page")
    assert "The first of all our sentences" in translate.behind(
        catalogue(**{"The first of all our sentences": ""}), translate.load(path)
    )


@pytest.mark.parametrize("page", TRANSLATED)
def test_the_switch_leads_to_the_same_page_and_back(open_page, page):
    here = open_page(f"{page}.html")
    assert here.locator("html").get_attribute("lang") == "en"
    assert here.locator("link[rel=alternate][hreflang=zh-CN]").count() == 1
    here.get_by_role("navigation", name="Language").get_by_role("link", name="中文").click()
    assert here.url.endswith(f"/{FOLDER}/{page}.html")
    assert here.locator("html").get_attribute("lang") == "zh-CN"
    assert re.search(CJK, here.locator("h1").first.inner_text())
    back = here.get_by_role("navigation", name="语言").get_by_role("link", name="English")
    assert back.get_attribute("lang") == back.get_attribute("hreflang") == "en"
    back.focus()
    here.keyboard.press("Enter")
    here.wait_for_url(lambda url: f"/{FOLDER}/" not in url)
    assert here.url.endswith(f"/{page}.html")
    assert here.locator("html").get_attribute("lang") == "en"


def test_a_page_without_a_translation_offers_none(open_page):
    page = open_page("book/appendix/glossary.html")
    assert page.locator(".mirage-languages, link[hreflang]").count() == 0


@pytest.mark.parametrize("page", TRANSLATED)
def test_no_paragraph_of_prose_is_left_in_english(open_page, page):
    here = open_page(f"{FOLDER}/{page}.html")
    paragraphs = here.locator("article").evaluate(
        """(article, intent) => {
            const copy = article.cloneNode(true);
            copy.querySelectorAll(intent + ", script, style").forEach(part => part.remove());
            return [...copy.querySelectorAll("p, li, h1, h2, h3, dt, dd, summary, figcaption, label, legend, button")]
                .filter(part => !part.querySelector("p, li"))
                .map(part => part.textContent.trim());
        }""",
        ENGLISH_BY_INTENT,
    )
    told = [text for text in paragraphs if len(re.findall(r"[A-Za-z\u4e00-\u9fff]", text)) >= 4]
    assert told
    english = [text for text in told if 3 * len(re.findall(CJK, text)) < len(re.findall(r"[A-Za-z]", text))]
    assert not english
    assert not [text for text in paragraphs if "**" in text or "{term}" in text or "{glue" in text]


@pytest.mark.parametrize("page", TRANSLATED)
def test_every_link_leads_somewhere_and_those_to_english_pages_say_so(site, page):
    path = site / FOLDER / f"{page}.html"
    text = path.read_text()
    for tag, link in re.findall(r'(<a\b[^>]*\bhref="([^"]*)"[^>]*>)', text):
        if re.match(r"[a-z]+:", link):
            continue
        address, anchor = urldefrag(unquote(link))
        there = (path.parent / address).resolve() if address else path
        assert there.exists(), link
        if anchor and there.suffix == ".html" and "?" not in anchor:
            assert anchor in Page(there).ids, link
        assert ('hreflang="en"' in tag) == (site / FOLDER not in there.parents), tag
    outside = [url for url in Page(path).loads if re.match(r"(https?:)?//", url)]
    assert not outside
    for url in Page(path).loads:
        assert (path.parent / url.split("?")[0]).exists(), url


def test_the_same_numbers_are_computed_on_both_pages(site):
    """Cells are not run a second time, and what is glued into sentences arrives in the translation."""
    for page in TRANSLATED:
        glued = [
            re.findall(r'class="pasted-text">([^<]+)<', (folder / f"{page}.html").read_text())
            for folder in (site, site / FOLDER)
        ]
        outputs = [
            re.findall(r'<div class="output stream[^>]*>.*?</pre>', (folder / f"{page}.html").read_text(), re.S)
            for folder in (site, site / FOLDER)
        ]
        assert sorted(glued[0]) == sorted(glued[1]), page
        assert outputs[0] == outputs[1], page


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
@pytest.mark.parametrize("page", TRANSLATED)
def test_axe_finds_nothing_on_a_translated_page_and_nothing_sticks_out(open_page, page, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    here = open_page(f"{FOLDER}/{page}.html", color_scheme=scheme, viewport={"width": width, "height": 800})
    for figure in here.locator(".mirage-explorer").all():
        figure.scroll_into_view_if_needed()
        here.locator(f"#{figure.get_attribute('id')}[data-ready=true]").wait_for(timeout=20_000)
    assert here.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(here, context=".bd-article", options={"resultTypes": ["violations"], "preload": False})
    assert found.violations_count == 0, found.generate_report()


def test_search_which_knows_no_chinese_is_not_offered_there(open_page):
    page = open_page(f"{FOLDER}/{TRANSLATED[0]}.html")
    assert page.locator(".search-button, .search-button-field, input[type=search]").locator("visible=true").count() == 0
    page.keyboard.press("Control+K")
    page.wait_for_timeout(300)
    assert page.locator("input[type=search]").locator("visible=true").count() == 0


@pytest.mark.parametrize("page", TRANSLATED)
def test_controls_around_the_article_have_names_in_the_language_of_the_page(site, page):
    text = (site / FOLDER / f"{page}.html").read_text()
    around = re.sub(r"<article.*?</article>", "", text, flags=re.S)
    english = (site / f"{page}.html").read_text()
    names = re.findall(r' aria-label="([^"]+)"', around)
    assert len(names) > 5 and "Toggle primary sidebar" in english
    assert not [name for name in names if not re.search(CJK, name)]
