"""The course: a student's notebook holds no solution, a teacher's holds all, and the autograder tells them apart."""

import json
import re
import zipfile

import pytest

from tools import course, notebooks

PAGES = {page.name.removeprefix("book/"): page for page in course.everything([])}
CHEAP = "idea/resolution"


def text_of(page, teacher):
    made = course.notebook(page, teacher, notebooks.repository())
    return made, "\n".join(cell.source for cell in made.cells)


def pieces(rubric: str) -> list[str]:
    """Stretches of a rubric that stay as they are in plain Markdown."""
    return [part.strip() for part in re.split(r"[`$*_{}\[\]()\n]", rubric) if len(part.strip()) > 24]


@pytest.mark.parametrize("chapter", PAGES)
def test_a_students_notebook_holds_no_solution_and_a_teachers_holds_all(chapter):
    page = PAGES[chapter]
    asked = course.questions(page.source)
    student, blank = text_of(page, teacher=False)
    _, solved = text_of(page, teacher=True)
    whole = json.dumps(student)
    kept = "".join(course.BLOCK.sub("", page.source[slice(*course.section(page.source))]))
    elsewhere = page.source[: course.section(page.source)[0]] + kept + "".join(one.text for one in asked)
    for one in asked:
        lines = [line.strip() for line in one.code.splitlines() if len(line.strip()) > 12]
        for line in lines + pieces(one.rubric):
            assert line in solved, line
            if line not in elsewhere:
                assert json.dumps(line)[1:-1] not in whole, line
        if one.answer:
            assert all(f"\n{name} = ..." in blank for name in one.variables)
    assert all(not cell.get("outputs") for cell in student.cells)
    assert {key for cell in student.cells for key in cell.metadata} <= {"cellView", "jupyter", "tags", "otter"}
    assert course.RUBRIC not in blank
    assert "hidden below" not in blank


@pytest.mark.parametrize("chapter", PAGES)
def test_a_notebook_keeps_the_chapters_code_and_marks_each_check_with_its_test(chapter):
    page = PAGES[chapter]
    student, blank = text_of(page, teacher=False)
    before = notebooks.make(page, notebooks.repository())
    shown = [cell["source"] for cell in json.loads(before)["cells"] if cell["cell_type"] == "code"]
    own = [source for source in map("".join, shown) if "check(" not in source and not source.startswith("# Made from")]
    unsolved = [source for source in own if not any(one.code and one.code in source for one in course.questions(page.source))]
    assert all(source in blank for source in unsolved)
    tests = [name for cell in student.cells for name in cell.metadata.get("otter", {}).get("tests", [])]
    assert tests == [one.name for one in course.questions(page.source) if one.answer]


def test_the_autograder_gives_a_solved_notebook_all_points_and_a_blank_one_none(tmp_path, monkeypatch):
    from otter.api import grade_submission

    monkeypatch.chdir(tmp_path)
    asked = course.make(PAGES[CHEAP], tmp_path, notebooks.repository())
    checked = [one for one in asked if one.answer]
    graded = {
        kind: grade_submission(str(tmp_path / kind / f"{CHEAP}.ipynb"), str(tmp_path / "autograder" / f"{CHEAP}.zip"), quiet=True)
        for kind in ("teacher", "student")
    }
    points = sum(one.points for one in checked)
    assert (graded["teacher"].total, graded["teacher"].possible) == (points, points)
    assert (graded["student"].total, graded["student"].possible) == (0, points)
    for one in checked:
        said = graded["student"].results[one.name].test_case_results[0].message
        assert "There is no answer yet" in said


def test_an_autograder_holds_a_test_for_each_check_and_nothing_secret(tmp_path):
    page = PAGES["vision/transformer"]
    asked = course.questions(page.source)
    course.write_autograder(asked, tmp_path / "it.zip", "https://example.org/somebody/book")
    with zipfile.ZipFile(tmp_path / "it.zip") as packed:
        names = packed.namelist()
        whole = "".join(packed.read(name).decode() for name in names)
        settings = json.loads(packed.read("otter_config.json"))
    assert {f"tests/{one.name}.py" for one in asked if one.answer} == {name for name in names if name.startswith("tests/")}
    assert "mirage-lib" in whole and "git+https://example.org/somebody/book" in whole
    assert not {"token", "course_id", "assignment_id"} & set(settings)
    assert not any(one.code in whole for one in asked if one.answer)


def test_the_overview_counts_points_by_check_and_by_person():
    made = {chapter: course.questions(page.source) for chapter, page in PAGES.items()}
    said = course.overview(made, "https://example.org/somebody/book")
    every = [one for asked in made.values() for one in asked]
    by_check = sum(one.points for one in every if one.answer)
    assert f"{len(every)} exercises, {sum(bool(one.answer) for one in every)} of them checked" in said
    assert f"{by_check + course.BY_HAND * sum(not one.answer for one in every)} points, {by_check} of them" in said


def test_an_unknown_chapter_is_named_with_those_that_there_are():
    assert "idea/nowhere" in course.main(["idea/nowhere"]) and CHEAP in course.main(["idea/nowhere"])
