"""From the words on the command line to a task source, and back to grading."""

import difflib
import re
from functools import lru_cache
from pathlib import Path

from selftaught.parts import BadInput, build, nearest, parse_options
from selftaught.stages import TaskSource
from selftaught.tasks.data.corpora import Corpus
from selftaught.tasks.data.files import File
from selftaught.tasks.data.folder import Folder
from selftaught.tasks.data.hub import Hub
from selftaught.tasks.games import Games
from selftaught.tasks.graphs.source import Graphs
from selftaught.tasks.gym.source import Gym
from selftaught.tasks.own import Own, families, family_class
from selftaught.tasks.pages import Pages
from selftaught.tasks.records import Records
from selftaught.tasks.tables import Tables

KINDS = ("jsonl", "ndjson", "json", "csv", "tsv", "txt", "parquet")
FILE = re.compile(rf"(?P<path>.+?\.(?:(?:{'|'.join(KINDS[:-1])})(?:\.gz)?|parquet))(?:,(?P<options>.*))?", re.IGNORECASE)

PREFIXES: dict[str, type[Gym] | type[Games] | type[Tables] | type[Graphs] | type[Folder] | type[Records] | type[Corpus] | type[Pages]] = {
    "gym": Gym, "game": Games, "table": Tables, "graph": Graphs, "docs": Folder, "records": Records, "corpus": Corpus, "pages": Pages,
}  # fmt: skip


@lru_cache(maxsize=1024)
def parse_source(text: str) -> TaskSource:
    """The source a text names: an own family, one of PREFIXES with what it takes, a file or a data-set id; else raises BadInput."""
    text = text.strip()
    if not text:
        raise BadInput(f"no tasks given: name a family ({', '.join(families())}), gym:NAME, a file or a data-set id")
    prefix, _, rest = text.partition(":")
    if prefix in PREFIXES and rest:
        return PREFIXES[prefix].parse(text)
    if found := FILE.fullmatch(text):
        return made(File, found["path"], found["options"])
    head, _, tail = text.partition(",")
    if Path(head).is_file():
        raise BadInput(f"{head}: files of this kind are not read: give {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    if head.startswith(("/", "./", "../", "~")) and not Path(head).exists():
        raise BadInput(f"{head}: there is no such file or folder: give the path of one, or a data-set id (owner/name)")
    if "/" in head or Path(head).exists():
        return made(Hub, head, tail)
    name, colon, options = text.partition(":")
    if name in families() or colon:
        family_class(name)
        return Own(family=name, options=options)
    if close := difflib.get_close_matches(head, families(), n=1, cutoff=0.6):
        raise BadInput(f"unknown tasks '{text}': {nearest(head, close)}")
    return made(Hub, head, tail)


def made(cls: type[TaskSource], data: str, options: str | None) -> TaskSource:
    """A source over data by its path or id and its options."""
    source: TaskSource = build(cls, {**parse_options(options or ""), "data": data}, data)
    return source


def is_unsafe(source: TaskSource) -> bool:
    """Whether a source's checker must only run in the checker pool."""
    return bool(getattr(source, "unsafe", False))
