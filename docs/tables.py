"""Tables in Markdown, and what rows of recipes have in common."""

import importlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from selftaught.recipe import recipe_names


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(text: str) -> str:
    """Text that is safe in a table cell, with papers as links."""
    pieces = " ".join(text.split()).split("`")
    # Every second piece is code, in which only a bar means something.
    pieces = [re.sub(r"\|" if i % 2 else r"([|*_<>\[\]])", r"\\\g<0>", piece) for i, piece in enumerate(pieces)]
    return re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", "`".join(pieces))


def code(text: str) -> str:
    """Text as code in a table cell."""
    return f"`{text}`".replace("|", "\\|")


def source_of(name: str) -> Path:
    """A recipe's file, from the root of the repository."""
    path = Path(importlib.import_module(recipe_names()[name]).__file__ or "").resolve()
    return Path("src/selftaught") / path.relative_to(path.parents[[p.name for p in path.parents].index("selftaught")])


def claim(row: dict[str, dict[str, str]]) -> str:
    """`untested`, or a status with the model it was measured on."""
    status, model = row["claim"]["status"], row["claim"]["model"]
    return f"{status} ({model})" if model else status
