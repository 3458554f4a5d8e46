"""What a run inside a run is asked to be."""

from dataclasses import dataclass

from selftaught.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a child run is to be: its key, recipe, tokens at most, weights to begin from, and task sources (the parent's when empty)."""

    key: str
    recipe: Recipe
    budget: int
    weights: str = "policy"
    tasks: tuple[str, ...] = ()
