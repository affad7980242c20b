"""Every code means one thing: it stands once in the table of docs/errors.md, and is raised as one class."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
FAMILIES = {
    "S": {"DeclarationError", "RankError"},
    "D": {"DataError"},
    "M": {"MethodMismatch", "UnknownMethod"},
    "O": {"OptionError"},
    "R": {"Diverged"},
    "F": {"FileError"},
}
SHORTHANDS = {"refuse": "DeclarationError", "_refused": "DeclarationError"}  # functions that make the error


def raised():
    """Return code -> what it is raised as, from the sources."""
    found = defaultdict(set)
    links = {ROOT / "sciml" / name for name in ("solvers", "problems", "learning")}
    files = [p for top in ("sciml", "solvers", "problems", "learning") for p in (ROOT / top).rglob("*.py")]
    for path in files:
        if links & set(path.parents):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found[node.value]
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                code, name = node.args[0].value, getattr(node.func, "id", "")
                if isinstance(code, str) and CODE.fullmatch(code):
                    found[code].add(SHORTHANDS.get(name, name))
    return found


CODE = re.compile(r"[SDMORF]\d{3}")


def table():
    """Return (code, meaning) of every row."""
    return re.findall(r"^\| ([SDMORF]\d{3}) \| (.+) \|$", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)


def test_every_code_is_in_the_table_once_and_nothing_else_is():
    codes = [code for code, _ in table()]
    assert codes == list(dict.fromkeys(codes))
    assert set(codes) == set(raised())


def test_no_two_codes_mean_the_same():
    meanings = [meaning for _, meaning in table()]
    assert sorted(meanings) == sorted(set(meanings))


def test_a_code_is_raised_as_the_class_of_its_letter():
    wrong = {code: names for code, names in raised().items() if not names or not names <= FAMILIES[code[0]]}
    assert not wrong
