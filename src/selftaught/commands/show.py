"""`selftaught show`: one recipe, part or task source in full."""

from dataclasses import dataclass

import tyro

from selftaught.shown import tell


@dataclass(kw_only=True)
class Options:
    """Show a recipe, part or task source in full.

    Attributes:
        name: its name.
    """

    name: tyro.conf.Positional[str]


def run(options: Options) -> int:
    """Show one recipe, part or task source."""
    from selftaught.commands.describe import describe

    tell(*describe(options.name).split("\n"))
    return 0
