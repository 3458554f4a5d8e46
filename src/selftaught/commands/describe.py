"""Recipes, parts and tasks, described for people and scripts."""

import dataclasses
import importlib
import inspect
from typing import Any

from selftaught.claim import outcome_of
from selftaught.commands.meanings import table, usable
from selftaught.parts import BadInput, nearest, shelf
from selftaught.recipe import Recipe, all_recipes, get_recipe, recipe_names


def first_line(text: str | None) -> str:
    """The first line of a docstring."""
    return inspect.cleandoc(text or "").split("\n")[0]


def module_doc(name: str) -> str:
    """Docstring of a recipe's file."""
    return importlib.import_module(recipe_names()[name]).__doc__ or ""


def recipes_table() -> list[dict[str, Any]]:
    """One row a recipe; scripts lean on these keys."""
    return [
        {
            "name": name, "presets": list(recipe.presets), "paper": recipe.paper, "pillars": list(recipe.pillars), "signal": recipe.signal,
            "changes": recipe.changes, "trains": recipe.trains,
            "claim": outcome_of(name)._asdict(), "about": first_line(module_doc(name)),
        }
        for name, recipe in all_recipes().items()
    ]  # fmt: skip


def parts_table() -> list[dict[str, Any]]:
    """One row a part."""
    return [{"name": name, "paper": cls.paper, "about": first_line(cls.__doc__)} for name, cls in shelf().items()]


def tasks_table() -> list[dict[str, Any]]:
    """One row a family, a game, a table and a gym family, and how other sources are written."""
    from selftaught.tasks.graphs.source import GRAPHS
    from selftaught.tasks.gym.source import abouts
    from selftaught.tasks.own import families
    from selftaught.tasks.tables import TABLES

    rows = [
        {
            "name": name,
            "levels": len(cls.ladder),
            "signal": cls.signal,
            "about": f"{first_line(cls.__doc__)} ({len(cls.ladder)} levels, {cls.signal})",
        }
        for name, cls in families().items()
    ]
    others = {f"game:{name}": first_line(cls.__doc__) for name, cls in shelf("world").items()}
    others |= {f"table:{name}": "rows of a table that scikit-learn brings (extra: tables)" for name in TABLES}
    others |= {f"graph:{name}": "which modules of the standard library import which" for name in GRAPHS}
    others |= {f"gym:{name}": about for name, about in abouts().items()} or {
        "gym:NAME": "a family of reasoning-gym, with its options as gym:chain_sum,min_terms=4; for the names: pip install 'selftaught[gym]'"
    }
    others |= {
        "FILE.jsonl": "a file with a prompt column, e.g. data.jsonl,prompt=question,answer=answer",
        "docs:FOLDER": "texts of a folder, to be studied; questions about them come from --held-out",
        "records": "invented people and what each keeps, as documents and questions about them, e.g. records:people=24,seed=3",
        "ID": "a data set by id or folder (extra: datasets)",
    }
    return rows + [{"name": name, "levels": 0, "signal": "", "about": about} for name, about in others.items()]


def describe(name: str) -> str:
    """A recipe with its options, a part with its fields, or a task family with its levels; BadInput on other names."""
    from selftaught.tasks.own import families

    if name.partition("/")[0] in recipe_names() and name not in shelf():
        return recipe_page(name, get_recipe(name))
    matches = {key: cls for key, cls in shelf().items() if name in (key, cls.name)}
    if not matches:
        known = [*recipe_names(), *(cls.name for cls in shelf().values())]
        raise BadInput(f"nothing is called '{name}': {nearest(name, known)}")
    pages = []
    for key, cls in matches.items():
        values = "\n".join(f"  {f.name} = {f.default!r}" for f in dataclasses.fields(cls) if f.init)
        page = f"{key}  {cls.paper}\n\n{inspect.cleandoc(cls.__doc__ or '')}\n\nOptions\n{values or '  none'}"
        if cls.name in families() and key.startswith("family/"):
            family = families()[cls.name]
            page += "\n\nLevels\n" + "\n".join(f"  {i}: {dict(rung)}" for i, rung in enumerate(family.ladder, 1))
            page += "\n\nLimits\n" + "\n".join(f"  {key}: {least} to {most}" for key, (least, most) in family.limits.items())
            page += "\n\nWordings\n" + "\n".join(f"  {wording}" for wording in family.wordings)
            page += "\n\nWordings of words=plain\n" + "\n".join(f"  {wording}" for wording in family.plain) if family.plain else ""
        pages.append(page)
    return "\n\n".join(pages)


def recipe_page(name: str, recipe: Recipe) -> str:
    """A recipe's docstring, what it is made of, its claim and its options."""
    claim, outcome = recipe.claim, outcome_of(name)
    options = "\n".join(table(usable(recipe)))
    facts = {
        "paper": recipe.paper or "-", "pillars": ", ".join(recipe.pillars) or "-", "signal": recipe.signal, "changes": recipe.changes,
        "claim": f"{claim.text or '-'} [{', '.join(filter(None, outcome))}]",
        "presets": ", ".join(recipe.presets) or "-",
    }  # fmt: skip
    head = "\n".join(f"{key + ':':<9} {value}" for key, value in facts.items())
    return f"{name}\n\n{module_doc(name.partition('/')[0]).strip()}\n\n{head}\n\nOptions\n{options}"
