"""Nothing outside recipes/ knows a method by name."""

import ast
import re
from pathlib import Path

import pytest

from selftaught.recipe import recipe_names
from selftaught.recipes import ASKING, CONTROLS, DEFAULT

HOME = Path(__file__).parent.parent / "src" / "selftaught"
FILES = sorted(path for path in HOME.rglob("*.py") if "recipes" not in path.relative_to(HOME).parts)
# Names that are English words: only a text that is nothing else names the recipe. The package bears the default's name.
WORDS = {"star", "spiral", "sharpening"}
NAMES = sorted({*recipe_names()} - WORDS - {DEFAULT}, key=len, reverse=True)
NAMED = re.compile(rf"(?<![\w-])({'|'.join(NAMES)})(?![\w-])")
ALONE = re.compile(rf"({'|'.join(sorted(WORDS))})(/[a-z-]+)?")
HOLDERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def named_in(source):
    """(line, recipe) of every recipe a source names, but for docstrings, which may say where an idea comes from."""
    nodes = list(ast.walk(ast.parse(source)))
    said = {id(n.body[0].value) for n in nodes if isinstance(n, HOLDERS) and n.body and isinstance(n.body[0], ast.Expr)}
    texts = [n for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in said]
    return [(n.lineno, m[1]) for n in texts if (m := NAMED.search(n.value) or ALONE.fullmatch(n.value))]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('x = "ttrl"', ["ttrl"]), ('x = f"{y}: see ttrl/gold"', ["ttrl"]), ('x = "star"', ["star"]), ('x = "star/votes"', ["star"]),
        ('x = "a star is born"', []), ('"""ttrl."""\ndef f():\n    """ttrl"""', []), ('x = "b-star"', ["b-star"]),
    ],
)  # fmt: skip
def test_names_are_found(source, names):
    assert [name for _, name in named_in(source)] == names


def test_no_file_outside_recipes_names_one():
    found = {f"{path.relative_to(HOME)}:{line}": name for path in FILES for line, name in named_in(path.read_text())}
    assert len(FILES) > 100 and not found


def test_the_few_that_are_known_by_name_exist():
    assert {DEFAULT, ASKING, *CONTROLS} <= set(recipe_names())
