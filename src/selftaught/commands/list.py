"""`selftaught list`: recipes, parts or tasks."""

from dataclasses import dataclass

import tyro

from selftaught.parts import BadInput, nearest
from selftaught.shown import tell


@dataclass(kw_only=True)
class Options:
    """List what there is.

    Attributes:
        what: recipes, parts or tasks.
        json: print one JSON line.
    """

    what: tyro.conf.Positional[str]
    json: bool = False


def run(options: Options) -> int:
    """List recipes, parts or tasks."""
    from selftaught.cli import emit
    from selftaught.commands.describe import parts_table, recipes_table, tasks_table

    tables = {"recipes": recipes_table, "parts": parts_table, "tasks": tasks_table}
    if options.what not in tables:
        raise BadInput(f"list {options.what}: {nearest(options.what, tables)}")
    rows = tables[options.what]()
    if options.json:
        emit({options.what: rows})
    else:
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            tell(f"{row['name']:<{width}}  {row['about']}")
    return 0
