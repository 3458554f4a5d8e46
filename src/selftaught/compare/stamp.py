"""Writing a claim's status into the file of its recipe."""

import ast
import importlib
from pathlib import Path

from selftaught.recipe import recipe_names
from selftaught.run.files import write_whole

WIDTH = 140


def recipe_file(name: str) -> Path:
    """The file a recipe is declared in."""
    return Path(importlib.import_module(recipe_names()[name]).__file__ or "").resolve()


def stamp(path: Path, status: str, model: str) -> bool:
    """Set `status` and `model` of the one `Claim(...)` in a file, in the repository's format; whether it changed.

    Raises:
        ValueError: the file has no `Claim(...)`, or several.
    """
    text = path.read_text()
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "Claim"]
    if len(calls) != 1 or calls[0].args:
        raise ValueError(f"{path}: one Claim(...) with named arguments is needed, there are {len(calls)}")
    [call] = calls
    held = {k.arg or "": k.value.value for k in call.keywords if k.arg in ("status", "model") and isinstance(k.value, ast.Constant)}
    if (held.get("status", "untested"), held.get("model", "")) == (status, model):
        return False
    given = {k.arg or "": ast.get_source_segment(text, k.value) or "" for k in call.keywords}
    for key, value, default in (("status", status, "untested"), ("model", model, "")):
        given.pop(key, None)
        if value != default:
            given[key] = f'"{value}"'
    rows = text.encode().splitlines(keepends=True)
    begin = sum(map(len, rows[: call.lineno - 1])) + call.col_offset
    finish = sum(map(len, rows[: (call.end_lineno or 0) - 1])) + (call.end_col_offset or 0)
    line = rows[call.lineno - 1].decode()
    indent = " " * (len(line) - len(line.lstrip()))
    made = laid_out([f"{key}={value}" for key, value in given.items()], indent, call.col_offset + 1)
    write_whole(path, text.encode()[:begin] + made.encode() + text.encode()[finish:])
    return True


def laid_out(pieces: list[str], indent: str, used: int) -> str:
    """`Claim(...)` on one line, with its arguments on one, or one a line: the first that fits, after `used` columns."""
    plain = not any("\n" in piece for piece in pieces)
    whole = ", ".join(pieces)
    if plain and used + len(f"Claim({whole})") <= WIDTH:
        return f"Claim({whole})"
    inner = f"{indent}    "
    if plain and len(inner + whole) <= WIDTH:
        return f"Claim(\n{inner}{whole}\n{indent})"
    return "Claim(\n" + "".join(f"{inner}{piece},\n" for piece in pieces) + f"{indent})"
