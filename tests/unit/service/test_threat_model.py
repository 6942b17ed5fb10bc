"""Each row of the threat model names tests that exist, or says that nothing covers it."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
MODEL = TESTS.parent / "docs/threat-model.md"
STRIDE = "STRIDEP"
NAMED = re.compile(r"`(?:tests/(?:\w+/)*)?(\w+\.py)?(?:::(\w+))?`")


def _rows():
    for line in MODEL.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and re.match(r"[A-Z]\d", cells[0]):
            yield cells


def test_each_row_is_whole_and_has_a_number_of_its_own():
    rows = list(_rows())
    assert all(len(cells) == 5 and all(cells) for cells in rows), [cells for cells in rows if len(cells) != 5]
    numbers = [cells[0] for cells in rows]
    assert len(set(numbers)) == len(numbers), sorted(numbers)
    assert {number[0] for number in numbers} == set(STRIDE), "people and supply (P) beside STRIDE"


def test_each_row_names_tests_that_exist():
    files = {path.name: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    for number, _, _, against, covered in _rows():
        named = [match for match in NAMED.findall(covered) if any(match)]
        if not named:
            assert covered == "none: not covered" and "**" in against, number
        file = ""
        for name, test in named:
            file = name or file
            assert file in files, f"{number}: {file}"
            assert f"def {test}(" in files[file] if test else "def " in files[file], f"{number}: {file}::{test}"
