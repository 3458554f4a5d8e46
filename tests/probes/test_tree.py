"""Tree search: values by hand, thousands of requests in few waves, stop and resume, two objectives in one step."""

import time

import numpy as np
import pytest

from probes.helpers import live, stopped_and_resumed, whole
from selftaught.explore import TreeSearch
from selftaught.explore.nodes import step_sizes
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.supervise.step_values import step_values
from selftaught.train import Joined, Kept, StepValues
from selftaught.types import SamplerSettings


def test_step_values_by_hand():
    # a-b-c and a-b-d-e are right, a-x-y is wrong after a.
    paths = [(b"a", b"ab", b"abc"), (b"a", b"ab", b"abd", b"abde"), (b"a", b"ax", b"axy"), (b"z",)]
    values = step_values(paths, [True, True, False, False])
    np.testing.assert_allclose(values[0], [1 / 3, 2 / 3, 1], rtol=1e-6)
    # after ab the nearest end is one step away, after abd too
    np.testing.assert_allclose(values[1], [1 / 3, 2 / 3, 2 / 3 + 1 / 6, 1], rtol=1e-6)
    # ax: 1/3 - (2/3) / (2 + 1) = 1/9; axy: 1/9 - (8/9) / 3 < 0
    np.testing.assert_allclose(values[2], [1 / 3, 1 / 9, 0], atol=1e-7)
    assert values[3] == [0]
    assert all(v == 0 for v in np.concatenate(step_values(paths, [False] * 4)))


def test_steps_of_what_was_said_by_hand():
    assert step_sizes(["a ", "b", "c ", "d"], " ", 8) == [1, 2, 1]
    assert step_sizes(["a", "b", "c", "d ", "e"], " ", 3) == [3, 1, 1]
    assert step_sizes(["a", "b"], " ", 2) == [2] and step_sizes([], " ", 2) == []


def small(path, *, skill=0.5, steps=4, sources=("countdown:level=2",), explore=None, **options):
    base = {"plan.tasks": 3, "explore.rounds": 2, "explore.parallel": 2, "explore.branch": 2, "steps": steps, "every": 2}
    recipe = get_recipe("rest-mcts-star").with_options(base | (explore or {}))
    return live(recipe, ScriptedModel(skill), path, list(sources), **options)


def groups_of(run):
    groups = []
    run.record = groups.extend
    whole(run)
    return groups


def test_attempts_are_whole_solutions_with_a_value_for_every_step(tmp_path):
    groups = groups_of(small(tmp_path, steps=1, explore={"plan.tasks": 6}))
    rewards, solved = [], 0
    for group in groups:
        found = {name: {s.attempt: s for s in group.scores if s.name == name} for name in ("search", "value", "trace", "reward")}
        for attempt in group.attempts_G:
            text = bytes(attempt.payload.ids[attempt.payload.sampled].tolist()).decode()
            assert text == attempt.text and attempt.stop == "end"
            value, search = found["value"][attempt.id], found["search"][attempt.id]
            ends = np.flatnonzero(~np.isnan(value.per_item))
            assert np.array_equal(ends, np.flatnonzero(~np.isnan(search.per_item)))
            spoken = attempt.payload.ids[ends]
            assert ends[-1] == len(attempt.payload) - 1 and all(spoken[:-1] == ord(" "))
            assert len(ends) == attempt.text.count(" ") + 1
            right = found["reward"][attempt.id].value
            rewards.append(right)
            solved += right == 1
            assert (value.value == pytest.approx(1)) == (right == 1) and (found["trace"][attempt.id].value > 0) == (right == 1)
    assert 0 < solved < len(rewards)


def test_solutions_keep_to_the_most_tokens_and_the_most_steps(tmp_path):
    short = groups_of(small(tmp_path / "a", steps=1, settings=SamplerSettings(max_tokens=10)))
    few = groups_of(small(tmp_path / "b", steps=1, explore={"explore.depth": 3}))
    for group in short:
        assert all(a.sampled_count <= 10 and (a.sampled_count == 10 or a.stop == "end") for a in group.attempts_G)
    for group in few:
        marks = {s.attempt: np.flatnonzero(~np.isnan(s.per_item)) for s in group.scores if s.name == "search"}
        assert all(len(marks[a.id]) == 3 or a.stop == "end" for a in group.attempts_G)
        assert all(marks[a.id][-1] == len(a.payload) - 1 for a in group.attempts_G)
        assert all(bytes(a.payload.ids[a.payload.sampled].tolist()).decode() == a.text for a in group.attempts_G)
    assert all(any(a.stop == "length" for group in groups for a in group.attempts_G) for groups in (short, few))


def test_a_solution_says_what_its_tokens_say_together(tmp_path):
    run = small(tmp_path, steps=1)
    run.model.script = lambda request, rng, skill: f"{rng.randrange(3)} 2 #### é"
    texts = {attempt.text for group in groups_of(run) for attempt in group.attempts_G}
    assert texts and all(text.endswith("2 #### é") for text in texts)


def test_thousands_of_requests_flow_in_few_waves(tmp_path):
    wide = {"plan.tasks": 128, "explore.rounds": 3, "explore.parallel": 8, "explore.branch": 4}
    run = small(tmp_path, steps=1, explore=wide)
    asked = []
    plain = run.dispatcher.ask
    run.dispatcher.ask = lambda kind, key, request, **how: asked.append(kind) or plain(kind, key, request, **how)
    start = time.perf_counter()
    whole(run)
    seconds = time.perf_counter() - start
    waves = run.model.calls["sample"] + run.model.calls["score"]
    print(f"{len(asked)} requests in {waves} waves, {seconds:.2f} s")
    assert len(asked) > 2000 and waves < len(asked) / 20 and len(set(asked)) == 2


def test_stop_and_resume_is_the_same_run(tmp_path):
    one = whole(small(tmp_path / "one"))
    for stop in (0, 1, 2):
        two = stopped_and_resumed(lambda path, **options: small(path, **options), tmp_path / f"two{stop}", stop)
        assert one.ledger.snapshot() == two.ledger.snapshot() and one.model.skill == two.model.skill
        assert (tmp_path / "one/journal.bin").read_bytes() == (tmp_path / f"two{stop}/journal.bin").read_bytes()


def test_budget_is_kept_and_given_back(tmp_path):
    run = whole(small(tmp_path, steps=50, budget=20_000))
    assert 0 < run.position < 50 and run.ledger.spent <= 20_000 and run.ledger.reserved == 0


def test_search_follows_the_value_model(tmp_path):
    """With a value model that knows the right prefix, every rollout ends right."""

    class Knowing(ScriptedModel):
        async def score(self, requests):
            found = []
            for r in requests:
                text = bytes(r.payload.ids[r.payload.sampled].tolist()).decode()
                truth = self.truth[r.key.split("tree-")[1].split("-")[0]]
                good = np.array([float(truth.startswith(text[: i + 1])) for i in range(len(text))])
                found.append({"value": np.concatenate([np.ones(len(r.payload) - len(text)), good]).astype(np.float32)})
            return found

    run = small(tmp_path, steps=1, sources=("chain:level=5",), explore={"plan.tasks": 8, "explore.branch": 8, "explore.parallel": 1})
    model = Knowing(0.8)
    from selftaught.tasks.families.chain import Chain

    def truth(task):
        steps, answer = Chain().work(Chain.read(task.text))
        return f"{steps} #### {answer}"

    tasks = run.pool.draw(run.rng("plan"), 8)
    model.truth = {task.id: truth(task) for task in tasks}
    run.model = model
    run.dispatcher.performers.update(sample=model.sample, score=model.score)
    groups = groups_of(run)
    first = [group.attempts_G[0].text == model.truth[group.task.id] for group in groups]
    best = [any(a.text == model.truth[group.task.id] for a in group.attempts_G) for group in groups]
    assert sum(best) >= 6 and sum(first) >= 4


def test_both_objectives_are_fed(tmp_path):
    run, seen = small(tmp_path, steps=1, skill=0.9), []

    async def learn(examples, objectives):
        seen.extend([examples, objectives])
        return {}

    run.model.learn = learn
    whole(run)
    examples, objectives = seen
    assert [o.updates for o in objectives] == [("policy",), ("value",)]
    assert all(set(e.streams) == {"weight", "value_target", "mask"} for e in examples)
    assert len({e.attempt for e in examples}) == len(examples)
    assert any(e.streams["weight"].any() for e in examples) and all(e.streams["mask"].any() for e in examples)


def test_refusals():
    with pytest.raises(BadInput):
        Joined(parts=(StepValues(), StepValues()))
    with pytest.raises(BadInput):
        TreeSearch(ending="")
    assert set(Joined(parts=(Kept(), StepValues())).writes) == {"weight", "value_target", "mask"}


def test_settings_reach_the_model(tmp_path):
    run = small(tmp_path, settings=SamplerSettings(temperature=0.7, max_tokens=64))
    asked, sample = [], run.dispatcher.performers["sample"]
    run.dispatcher.performers["sample"] = lambda wave: asked.extend(wave) or sample(wave)
    whole(run)
    assert asked[0].settings == SamplerSettings(temperature=0.7, max_tokens=8, stop=(" ",)) and asked[0].n == 2
