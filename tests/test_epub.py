"""The EPUB of the whole book: a sound archive whose parts are well formed and whose links lead somewhere."""

import zipfile
from pathlib import Path
from posixpath import dirname, join, normpath
from xml.etree import ElementTree

import pytest

from tools import epub, leaves

TOC = Path(__file__).resolve().parent.parent / "_toc.yml"
OPF = "{http://www.idpf.org/2007/opf}"
HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def archive(site, tmp_path_factory):
    output = tmp_path_factory.mktemp("epub") / "book.epub"
    complaint = epub.main(["--site", str(site), "--toc", str(TOC), "--output", str(output)])
    assert complaint is None, complaint
    with zipfile.ZipFile(output) as opened:
        yield opened


@pytest.fixture(scope="module")
def trees(archive):
    return {n: ElementTree.fromstring(archive.read(n)) for n in archive.namelist() if n.endswith((".xhtml", ".opf", ".xml"))}


def test_the_type_stands_first_and_uncompressed(archive):
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, archive.read(first)) == ("mimetype", zipfile.ZIP_STORED, b"application/epub+zip")


def test_the_manifest_lists_every_file_and_says_what_is_in_it(archive, trees):
    items = trees["book/content.opf"].findall(f"{OPF}manifest/{OPF}item")
    listed = {f"book/{item.get('href')}": (item.get("properties") or "").split() for item in items}
    assert set(listed) == set(archive.namelist()) - {"mimetype", "META-INF/container.xml", "book/content.opf"}
    for name, properties in listed.items():
        if name.endswith(".xhtml"):
            text = archive.read(name).decode()
            assert ("mathml" in properties, "svg" in properties) == ("<math" in text, "<svg" in text), name


def test_chapters_are_read_in_the_order_of_the_contents(trees):
    spine = [item.get("idref") for item in trees["book/content.opf"].findall(f"{OPF}spine/{OPF}itemref")]
    chapters = [epub.key(f"{leaves.slug(page)}.xhtml") for _, page in leaves.order(TOC)]
    assert spine == [epub.key("title.xhtml"), epub.key("nav.xhtml"), *chapters, epub.key("solutions.xhtml")]


def test_inner_links_have_targets(trees):
    ids = {name: {tag.get("id") for tag in tree.iter()} for name, tree in trees.items()}
    for name, tree in trees.items():
        for link in tree.iter(f"{HTML}a"):
            path, _, anchor = link.get("href").partition("#")
            if ":" not in path:
                target = normpath(join(dirname(name), path)) if path else name
                assert target in ids and (not anchor or anchor in ids[target]), f"{name}: {link.get('href')}"


def test_no_script_no_form_and_no_variable_is_left(archive):
    for name in archive.namelist():
        if name.endswith(".xhtml"):
            text = archive.read(name).decode()
            assert not any(word in text for word in ("<script", "<button", "<input", "<select", "var(--")), name
