"""A chapter becomes a leaf: what needs a screen goes, what is folded opens or is named, links are kept."""

from pathlib import Path

import pytest

from tools import copies, leaves

PAGE = """<html><body><article class="bd-article"><section id="top"><h1>A question<a class="headerlink" href="#top">#</a></h1>
<p>See <a href="b.html#there?metric=x">b</a>, <a href="../../search.html">search</a> and <a href="https://example.org">the net</a>.</p>
<figure class="mirage-figure mirage-explorer" id="explorer-e"><div class="mirage-controls" hidden></div><div><svg></svg></div>
<p class="mirage-status"></p><figcaption>It rises.</figcaption>{table}<script>1</script></figure>
<div class="cell"><details class="hide"><summary>Show</summary><div class="cell_input"><pre>secret()</pre></div></details></div>
<section id="exercises"><h2>Exercises</h2><div class="admonition exercise"><p class="admonition-title">Twice two</p>
<p class="exercise-label">Exercise 1</p><p>What is it?</p></div>
<div class="cell tag_solution"><details class="hide"><summary>Show</summary><div class="cell_input"><pre>four</pre></div>
<div class="cell_output"><pre>4</pre></div></details></div></section></section></article></body></html>"""


def table(rows: int) -> str:
    body = "".join(f"<tr><td>{k}</td></tr>" for k in range(rows))
    return f"<details><summary>The numbers</summary><table><thead><tr><th>n</th></tr></thead><tbody>{body}</tbody></table></details>"


@pytest.fixture
def leaf(tmp_path):
    def make(rows: int = 3) -> leaves.Leaf:
        page = tmp_path / "book" / "a" / "a.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(PAGE.replace("{table}", table(rows)), "utf-8")
        return leaves.read(tmp_path, "book/a/a", "P", lambda to, anchor: f"[{to}|{anchor}]", {"book/a/a", "book/a/b"})

    return make


def test_title_and_sections_are_told(leaf):
    assert (leaf().title, leaf().part, leaf().sections) == ("A question", "P", [("exercises", "Exercises")])


def test_links_to_bound_pages_are_kept_and_others_on_the_site_become_text(leaf):
    body = leaf().body
    assert 'href="[book/a/b|there]"' in body and 'href="https://example.org"' in body
    assert "search" in body and "search.html" not in body


def test_an_explorer_stands_still_and_says_where_it_moves(leaf):
    body = leaf().body
    assert "<svg" in body and "book/a/a.html#explorer-e" in body
    assert not any(word in body for word in ("<script", "mirage-controls", "mirage-status", "hidden"))


def test_a_short_table_is_shown_and_a_long_one_is_named(leaf):
    assert leaf(3).body.count("<td>") == 3
    assert "<td>" not in leaf(30).body and "The numbers: 30 rows, in the web version." in leaf(30).body


def test_hidden_code_is_left_out(leaf):
    assert "secret" not in leaf().body


def test_solutions_are_taken_out_under_their_exercise(leaf):
    made = leaf()
    assert "four" not in made.body and "What is it?" in made.body
    assert len(made.solutions) == 1
    assert all(word in made.solutions[0] for word in ("Exercise 1: Twice two", "four", "4"))


def test_a_page_that_was_not_built_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="make book"):
        leaves.read(tmp_path, "book/none", "", lambda to, anchor: "", set())


def test_only_copies_that_are_there_are_offered(tmp_path):
    page = tmp_path / "book" / "intro.html"
    page.parent.mkdir()
    page.write_text("<p>x</p><!-- copies --><!-- end of copies -->", "utf-8")
    assert copies.offer(tmp_path, "book/intro") and "href" not in page.read_text("utf-8")
    Path(tmp_path, "mirage.epub").write_bytes(b"0" * 100_000)
    copies.offer(tmp_path, "book/intro")
    assert 'href="../mirage.epub"' in page.read_text("utf-8") and "pdf" not in page.read_text("utf-8")
    Path(tmp_path, "mirage.epub").unlink()
    copies.offer(tmp_path, "book/intro")
    assert "href" not in page.read_text("utf-8")
