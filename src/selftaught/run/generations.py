"""The generations of a run: written beside each other, pointed at by name, and gone back to when the newest is damaged."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.run.files import full, not_written, read_json, write_json
from selftaught.run.hashes import ANOTHER, check_whole, load_whole, seal_off

NAME = re.compile(r"\d{5,}")
PART = re.compile(r"\d{5,}\.part")
# An alarm comes after three steps of a mean over four: what is this many steps older was saved before the trouble.
LAG = 8


class Generations:
    """The saved generations of a run's folder.

    Attributes:
        path: the run's folder.
        pointers: which generation is start, latest, best, sure and waiting (see `run.folder`).
        mark_best: the next generation that is saved is the best.
        whole: names of those whose files have been looked at, or were written by this process.
        say: called with one line when something in the folder is damaged; until it is set the lines wait in `told`.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.mark_best = path, False
        self.told: list[str] = []
        self.say: Callable[[str], None] = self.told.append
        self.whole: set[str] = set()
        self.pointers = self.pointed()

    def tell(self, say: Callable[[str], None]) -> None:
        """Say from now on what is found damaged, and what was found before."""
        for line in self.told:
            say(line)
        self.say = say

    def pointed(self) -> dict[str, str]:
        """What latest.json says; nothing where it is missing or damaged, which is said."""
        path = self.path / "latest.json"
        if not path.exists():
            return {}
        try:
            found: dict[str, str] = read_json(path, "the generations themselves are looked at", pointers)
        except BadInput as error:
            self.say(str(error))
            return {}
        return found

    def has(self, which: str) -> bool:
        """Whether a generation of that name (start, latest, best) is saved."""
        return which in self.pointers

    def generation(self, which: str) -> Path:
        """Folder of a saved generation."""
        return self.path / "generations" / self.pointers[which]

    async def save(self, model: Model, snapshot: Mapping[str, Any], texts: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write a generation beside the others, then point at it; drop those nothing points at. Raises NotWritten.

        Args:
            model: saves its weights.
            snapshot: the rest, from which a run goes on.
            texts: path inside it -> what of it people read.
        """
        name, home = f"{snapshot['position']:05d}", self.path / "generations"
        folder, part = home / name, home / f"{name}.part"
        pointers = {which: self.pointers.get(which, name) for which in ("start", "best", "sure", "waiting")}
        # Two more are kept for an alarm: one that is old enough to be trusted, and the one that will be next.
        if snapshot["position"] - int(pointers["waiting"]) >= LAG:
            pointers |= {"sure": pointers["waiting"], "waiting": name}
        pointers |= {"latest": name} | ({"best": name} if self.mark_best else {})
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            await model.save(part)
            for path, text in texts.items():
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                (part / path).write_text(text, encoding="utf-8")
            write_json(part / "state.json", {"pointers": pointers, **snapshot})
            seal_off(part)
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        except Exception as error:
            lost = isinstance(error, OSError) or full(error, part)
            shutil.rmtree(part, ignore_errors=True)
            if not lost or isinstance(error, BadInput):
                raise
            raise not_written(part, error) from error
        self.pointers, self.mark_best = pointers, False
        self.whole.add(name)
        write_json(self.path / "latest.json", pointers)
        self.drop_others()

    def drop_others(self) -> None:
        """Delete what a run has written among the generations, by its name, and nothing points at."""
        for other in (self.path / "generations").iterdir():
            ours = NAME.fullmatch(other.name) or PART.fullmatch(other.name)
            if ours and other.name not in self.pointers.values() and other.is_dir() and not other.is_symlink():
                shutil.rmtree(other)

    async def load(self, which: str, model: Model) -> dict[str, Any]:
        """Load a generation's weights into the model; returns its snapshot. Raises BadInput where it is damaged."""
        name = self.pointers[which]
        saved = await load_whole(self.generation(which), model, checked=name in self.whole)
        self.whole.add(name)
        return saved

    async def load_last(self, model: Model) -> dict[str, Any] | None:
        """Load the newest generation that is whole, and point at what it pointed at; its snapshot, or None when there is none.

        From an older one, and from none, a run comes to the same end again: what was drawn is in the journal. What is
        damaged is said.

        Raises:
            BadInput: none could be loaded, and the model is no longer as it was opened.
        """
        wrong, loading, known = "", False, self.pointers
        for pointers in self.candidates():
            try:
                for name in dict.fromkeys((pointers["latest"], pointers["best"])):
                    check_whole(self.path / "generations" / name)
                self.pointers, loading = pointers, True
                saved = await self.load("latest", model)
            except BadInput as error:
                wrong = wrong or str(error).partition(": ")[0]
                continue
            if wrong:
                self.say(f"{wrong}: going on from generation {pointers['latest']}")
            if pointers != known:
                write_json(self.path / "latest.json", pointers)
            elif not wrong:
                self.drop_others()
            return saved
        if wrong and loading:
            raise BadInput(f"{wrong}, and no other generation can be loaded: start a new run with another --out")
        if wrong:
            self.say(f"{wrong}, and no other generation is whole: going through the journal from the beginning")
        self.pointers = {}
        return None

    def candidates(self) -> Iterator[dict[str, str]]:
        """What may be pointed at on a resume: what latest.json says, then what each generation said, the newest first."""
        home = self.path / "generations"
        known = self.pointers
        if known:
            yield known
        for name in saved_in(home):
            found = pointers_of(home / name)
            if found != known and found.get("latest") == name and "best" in found:
                yield found


def saved_in(home: Path) -> list[str]:
    """Names of the generations in a folder, the newest first."""
    names = [path.name for path in home.iterdir() if NAME.fullmatch(path.name) and path.is_dir()] if home.is_dir() else []
    return sorted(names, key=int, reverse=True)


def pointers_of(folder: Path) -> dict[str, str]:
    """Which generations were start, best and so on when this one was saved; none where that is not known.

    A start was all of them.
    """
    name = folder.name
    if int(name) == 0:
        return dict.fromkeys(("start", "best", "sure", "waiting", "latest"), name)
    try:
        found: dict[str, str] = read_json(folder / "state.json", ANOTHER, lambda value: dict(value.get("pointers") or {}))
    except BadInput:
        return {}
    return found


def pointers(value: Any) -> dict[str, str]:
    """The value as pointers; raises ValueError when it is none."""
    if not {"start", "best", "latest"} <= set(value) or not all(NAME.fullmatch(name) for name in value.values()):
        raise ValueError("it does not name generations")
    found: dict[str, str] = {"sure": value["start"], "waiting": value["start"]} | value
    return found
