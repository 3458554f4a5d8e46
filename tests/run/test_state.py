"""What a method remembers: written by updates, kept with generations, and compared with what it was at the start."""

import asyncio
import re
from dataclasses import dataclass, replace

import pytest

import selftaught
from scripted_run import live_run, played
from selftaught.explore import Even
from selftaught.jobs.gate import gate
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.prove.proof import sampler_for
from selftaught.prove.sampling import MethodSampler, RunSampler
from selftaught.recipe import Phase, Recipe
from selftaught.stages import Explore, Keep, State, Supervise, Update
from selftaught.supervise import First
from selftaught.types import Group, Message


@dataclass(frozen=True, kw_only=True)
class Notes(State):
    """What was learned, as text."""

    def initial(self):
        return []


@dataclass(frozen=True, kw_only=True)
class Recall(Explore):
    """Shows the notes before the task."""

    async def explore(self, run, request):
        task = request.task
        turns = (*(Message("user", note) for note in run.state["notes"]), *task.messages)
        attempts = await run.sample("recall", task, turns, n=request.n, settings=request.settings)
        return [Group(key=task.id, task=task, attempts_G=tuple(attempts))]


@dataclass(frozen=True, kw_only=True)
class WriteNote(Update):
    """One more note a step."""

    async def update(self, run, groups):
        run.write("notes", [*run.state["notes"], f"note {run.step}"])


@dataclass(frozen=True, kw_only=True)
class Worse(Keep):
    """The third generation, and every later one, measures lower."""

    async def measure(self, run):
        return 1.0 if len(run.state["notes"]) <= 2 else 0.0


def recipe(keep=None, **fields):
    phase = Phase(plan=Even(tasks=2, n=1), explore=Recall(), updates=(WriteNote(),), keep=keep, steps=4, every=1)
    return Recipe(name="noting", changes="memory", state={"notes": Notes()}, phases=(phase,), decide=First(), **fields)


def closed(run):
    run.folder.journal.close()
    return run


def test_a_worse_generation_is_rolled_back_and_the_best_is_handed_back(tmp_path):
    run = closed(played(live_run(recipe(keep=Worse()), tmp_path / "run")))
    assert run.state["notes"] == ["note 0", "note 1"]
    run = closed(played(live_run(recipe(), tmp_path / "other")))
    assert len(run.state["notes"]) == 4
    run.states = {"notes": ["lost"]}
    run.folder.pointers = run.folder.pointers | {"best": "00000"}
    asyncio.run(run.hand_back())
    assert run.state["notes"] == [], "what is handed back is what that generation remembered"


@dataclass(frozen=True, kw_only=True)
class Scribble(Supervise):
    """Writes where nothing is to be written."""

    name: str = "notes"

    async def read_group(self, run, group):
        run.write(self.name, ["x"])
        return group


def test_only_updates_write_and_only_what_is_declared(tmp_path):
    phase = recipe().phases[0]
    run = live_run(replace(recipe(), phases=(replace(phase, read=(Scribble(),)),)), tmp_path / "run")
    with pytest.raises(BadInput, match="state 'notes' is written in stage read"):
        played(run)
    closed(run)
    run = closed(live_run(recipe(), tmp_path / "other"))
    run.stage = "update"
    with pytest.raises(BadInput, match="declare it in state="):
        run.write("other", 1)
    with pytest.raises(TypeError):
        run.state["notes"] = []


def test_a_memory_needs_a_method_and_something_that_holds_it():
    with pytest.raises(BadInput, match="give decide="):
        replace(recipe(), decide=None)
    with pytest.raises(BadInput, match="state= or weights"):
        replace(recipe(), state={})


def test_the_start_is_the_method_with_what_it_had_at_the_start(tmp_path):
    run = closed(live_run(recipe(), tmp_path / "run"))
    start, end = sampler_for(run, 1, start=True, state={"notes": []}), sampler_for(run, 1)
    assert type(start) is type(end) is MethodSampler and start.state == {"notes": []} and end.state is None
    weights = closed(live_run(replace(recipe(), changes="weights"), tmp_path / "weights"))
    assert isinstance(sampler_for(weights, 1, start=True), RunSampler) and type(sampler_for(weights, 1, start=True)) is not MethodSampler


def remembering(request, rng, skill):
    """Right only where two notes or more were shown."""
    shown = sum(m.content.startswith("note") for m in request.messages)
    answer = sum(int(number) for number in re.findall(r"\d+", request.task.text))
    return f"#### {answer + (shown < 2)}"


def test_the_gate_tells_what_remembering_gains(tmp_path, monkeypatch):
    for module in ("job", "known"):
        monkeypatch.setattr(f"selftaught.jobs.{module}.get_recipe", lambda name: recipe())
    monkeypatch.setattr("selftaught.models.scripted.ScriptedModel", lambda: ScriptedModel(script=remembering))
    result = selftaught.improve("noting", model="scripted", tasks="sums:level=3", held_out_count=24, forecast=False, out=tmp_path / "run")
    assert result["verdict"] == "improved" and result["gain"] == 1.0 and result["before"] == 0.0
    assert result["gold_read"]["train"] == 0
    again = gate(tmp_path / "run")
    assert again["verdict"] == "improved" and (again["before"], again["after"]) == (0.0, 1.0)
