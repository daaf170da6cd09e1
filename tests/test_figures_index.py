"""Every figure can be found: in the list, by the search, at its address; and every chapter can be cited."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from tools import leaves


@pytest.fixture(scope="module")
def figures(site) -> list[dict]:
    text = (site / "_static" / "figure-words.js").read_text("utf-8")
    return json.loads(text[text.index("[") : text.rindex("]") + 1])


def test_every_figure_of_every_page_is_known_and_has_an_address_of_its_own(site, figures):
    count = 0
    for page in sorted(site.glob("book/**/*.html")):
        soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
        name = page.relative_to(site).as_posix()
        ids = [tag["id"] for tag in soup.select("figure.mirage-figure")]
        assert ids == [one["id"] for one in figures if one["page"] == name]
        assert all(len(soup.select(f'[id="{one}"]')) == 1 for one in ids)
        count += len(ids)
    assert count == len(figures) > 80


def test_the_list_of_figures_links_to_each(site, figures):
    soup = BeautifulSoup((site / "book/appendix/figures.html").read_text("utf-8"), "html.parser")
    links = {link["href"] for link in soup.select("dl.mirage-figures li a")}
    assert len(links) == len(figures)
    for one in figures:
        target = f"{one['page'].removeprefix('book/')}#{one['id']}"
        assert f"../{target}" in links or target.removeprefix("appendix/") in links


def test_both_numberings_of_the_vision_figures_are_told(site):
    soup = BeautifulSoup((site / "book/appendix/figures.html").read_text("utf-8"), "html.parser")
    terms = " ".join(" ".join(term.get_text().split()) for term in soup.select("dl.mirage-figures dt"))
    for pair in ("NeurIPS 11, preprint 7", "NeurIPS 7, preprint 8", "NeurIPS 8, preprint 9"):
        assert pair in terms


def test_the_index_has_words_that_only_an_alternative_text_has(site):
    from sphinx.search.en import SearchEnglish

    text = (site / "searchindex.js").read_text("utf-8")
    index, stem, found = json.loads(text[text.index("{") : text.rindex("}") + 1]), SearchEnglish({}).stem, 0
    for number, name in enumerate(index["docnames"]):
        soup = BeautifulSoup((site / f"{name}.html").read_text("utf-8"), "html.parser")
        drawings = soup.select("figure.mirage-figure svg[aria-label]")
        spoken = {word for svg in drawings for word in re.findall(r"\b[a-z]{6,}\b", svg["aria-label"])}
        for word in spoken - set(re.findall(r"[a-z]+", soup.get_text().lower())):
            places = [index[kind].get(stem(word), []) for kind in ("terms", "titleterms")]
            pages = [one for place in places for one in (place if isinstance(place, list) else [place])]
            assert number in pages, f"{name}: {word}"
            found += 1
    assert found > 10


def test_the_search_page_leads_to_a_figure_from_a_file(open_page, figures):
    wanted = next(one for one in figures if one["page"].endswith("resolution.html"))
    query = "+".join(re.findall(r"[A-Za-z]{5,}", wanted["caption"])[:4])
    page = open_page("search.html")
    page.goto(f"{page.url}?q={query}")
    hit = page.locator(f'section[aria-labelledby="figure-hits"] a[href="{wanted["page"]}#{wanted["id"]}"]')
    hit.click()
    assert page.url.endswith(f"{wanted['page']}#{wanted['id']}")


def test_each_chapter_says_how_to_cite_it(site):
    chapters = [page for part, page in leaves.order(leaves.ROOT / "_toc.yml") if part and "appendix" not in page]
    for page in chapters:
        soup = BeautifulSoup((site / f"{page}.html").read_text("utf-8"), "html.parser")
        box = soup.select_one("details.mirage-cite")
        title = " ".join(soup.h1.get_text().replace("#", "").split())
        assert title in " ".join(box.p.get_text().split())
        assert f"title = {{{title}}}" in box.pre.get_text() and "@incollection{" in box.pre.get_text()
