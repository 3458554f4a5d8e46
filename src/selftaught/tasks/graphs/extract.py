"""Facts about Python's standard library: `python -m selftaught.tasks.graphs.extract` writes stdlib.json.gz anew.

The file is shipped, so that every version of Python sees one graph; nothing here runs when it is read. A module is {name,
imports, words}: which of the others it imports anywhere, as their places in the list, and the pieces of the names it defines
and of the words of its docstrings. Pieces of its own dotted name are left out: they would say which package it is of.
"""

import ast
import gzip
import json
import platform
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parent / "stdlib.json.gz"
# What is not library (tests, what was installed), and tables of characters, which all look alike and import codecs alone.
LEFT_OUT = frozenset({"test", "tests", "idle_test", "site-packages", "__pycache__", "lib-dynload", "encodings", "turtledemo", "pydoc_data"})
PIECE = re.compile(r"[A-Z]?[a-z]{3,}")


def paths(root: Path) -> dict[str, Path]:
    """Every module's file by dotted name, in the order of names."""
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        if not LEFT_OUT & set(parts) and not parts[0].startswith(("config-", "_sysconfigdata")):
            found[".".join(parts).removesuffix(".__init__")] = path
    return dict(sorted(found.items()))


def imports(tree: ast.AST, name: str, is_package: bool) -> Iterator[str]:
    """Dotted names that may be modules: `from a import b` gives a.b and a."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: len(name.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def words(tree: ast.AST, name: str) -> set[str]:
    """Pieces, in lower case, of the names of functions and classes and of docstrings, without those of the module's own name."""
    said: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            said.append(node.name)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            said.append(ast.get_docstring(node) or "")
    own = [part for part in re.split(r"[._0-9]+", name.lower()) if part]
    pieces = {piece.lower() for text in said for piece in PIECE.findall(text)}
    return {piece for piece in pieces if not any(piece in part or part in piece for part in own)}


def extract(root: Path) -> dict[str, object]:
    """The facts, JSON-ready; equal for equal files."""
    files = paths(root)
    place = {name: i for i, name in enumerate(files)}
    modules = []
    for name, path in files.items():
        tree = ast.parse(path.read_bytes())
        found = set()
        for target in imports(tree, name, path.name == "__init__.py"):
            known = next((one for one in (target, target.rpartition(".")[0]) if one in place and one != name), None)
            if known is not None:
                found.add(place[known])
        modules.append({"name": name, "imports": sorted(found), "words": sorted(words(tree, name))})
    return {"python": platform.python_version(), "modules": modules}


def main() -> None:
    """Write the file; the same bytes for the same library."""
    facts = extract(Path(sysconfig.get_paths()["stdlib"]))
    FILE.write_bytes(gzip.compress(json.dumps(facts, separators=(",", ":")).encode(), mtime=0))


if __name__ == "__main__":
    main()
