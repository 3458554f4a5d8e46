"""The flow of a step as a picture, made from the code: the stages in the order the loop calls them, and what crosses them."""

import inspect
import re
import typing
from html import escape

from selftaught import loop, stages
from selftaught.parts import shelf
from selftaught.run import method

# A stage of the loop -> the class its parts subclass, and the method they give.
STAGES = {
    "plan": ("Plan", "plan"), "explore": ("Explore", "explore"), "read": ("Reader", "read"), "select": ("Select", "select"),
    "credit": ("Credit", "credit"), "train": ("Loss", "__call__"), "update": ("Update", "update"), "grow": ("Grow", "grow"),
}  # fmt: skip
WIDTH, HEIGHT, GAP, TOP = 112, 86, 62, 26
STYLE = (
    "rect{fill:#eef4ee;stroke:#3c6e47;stroke-width:1.5}path{fill:none;stroke:#555;stroke-width:1.5}"
    "text{font:13px sans-serif;fill:#555;text-anchor:middle}.name{font-weight:600;font-size:16px}.what{font-size:11px}"
)
TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" style="fill:#555"/></marker>'
)


def order() -> list[str]:
    """The stages as the loop sets them, one after the other."""
    source = inspect.getsource(loop.step).replace("await attempted(", inspect.getsource(method.attempted))
    return list(dict.fromkeys(re.findall(r'run\.stage = "(\w+)"', source)))


def gives(stage: str) -> str:
    """What a stage's method returns, by its annotation; "" for nothing."""
    cls, name = STAGES[stage]
    found = typing.get_type_hints(getattr(getattr(stages, cls), name))["return"]
    names = [getattr(inner, "__name__", str(inner)) for inner in typing.get_args(found)]
    return f"{names[0]}s" if names and stage != "train" else {"train": "weights"}.get(stage, "")


def count(stage: str) -> int:
    """How many parts there are for it."""
    kinds = ("supervise", "reflect") if stage == "read" else (getattr(stages, STAGES[stage][0]).kind,)
    return sum(len(shelf(kind)) for kind in kinds)


def picture() -> str:
    """The picture as SVG: boxes for stages with their number of parts, arrows with what goes from one to the next."""
    names = order()
    drawn = []
    for i, stage in enumerate(names):
        x = 10 + i * (WIDTH + GAP)
        middle, about = x + WIDTH / 2, inspect.cleandoc(getattr(stages, STAGES[stage][0]).__doc__ or "").splitlines()[0]
        drawn.append(f'<rect x="{x}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" rx="8"><title>{escape(about)}</title></rect>')
        drawn.append(f'<text x="{middle}" y="{TOP + 34}" class="name">{stage}</text>')
        drawn.append(f'<text x="{middle}" y="{TOP + 58}">{count(stage)} parts</text>')
        if i + 1 < len(names):
            end, y = x + WIDTH + GAP, TOP + HEIGHT / 2
            drawn.append(f'<path d="M{x + WIDTH} {y}H{end - 4}" marker-end="url(#tip)"/>')
            drawn.append(f'<text x="{end - GAP / 2}" y="{y - 10}" class="what">{gives(stage).lower()}</text>')
    width = 20 + len(names) * (WIDTH + GAP) - GAP
    back, low = 10 + WIDTH / 2, TOP + HEIGHT + 34
    drawn.append(f'<path d="M{width - back} {TOP + HEIGHT}V{low}H{back}V{TOP + HEIGHT + 4}" marker-end="url(#tip)"/>')
    drawn.append(f'<text x="{width / 2}" y="{low + 18}">publish; after some steps keep, or go back to the best generation</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {low + 30}" role="img" aria-label="The stages of a step">'
    return f"{head}<style>{STYLE}</style><defs>{TIP}</defs>{''.join(drawn)}</svg>\n"
