"""Own families: prompts and facts, worked answers, checkers, sources by text."""

import random
import time

import pytest

from selftaught.parts import BadInput
from selftaught.seals import GoldReader
from selftaught.tasks.families.sudoku import UNITS, fill
from selftaught.tasks.own import Own, families
from selftaught.tasks.source import parse_source
from selftaught.types import Task

READER = GoldReader("audit", lambda: None)
FAMILIES = families()
LEVELS = [(name, level) for name, cls in FAMILIES.items() for level in range(1, len(cls.ladder) + 1)]
JUNK = [
    "", " ", "0", "-1", "1e9", "nan", "None", "x", "1 2", "\x00", "٣", "½", "((((", ")", "1+", "-" * 80, "(" * 80, "1" * 80, "1 " * 40,
    "__import__('os').system('x')", "9**9**9**9", "10**10**10", "[0]*10**9", "\\boxed{}", "a" * 10**6, "9" * 10**6, "+1" * 10**5, "A B C",
]  # fmt: skip


def drawn(name: str, level: int, count: int):
    family, rng = FAMILIES[name](level=level), random.Random(level)
    return family, rng, [family.draw(rng) for _ in range(count)]


@pytest.mark.parametrize("name, level", LEVELS)
def test_facts_come_back_from_every_wording(name, level):
    family, _, questions = drawn(name, level, 12)
    for facts in questions:
        for wording in range(len(family.wordings)):
            prompt = family.render(facts, wording)
            assert family.read(prompt) == facts
            assert family.read(f"  {prompt}\n") == facts
            assert [other for other, cls in FAMILIES.items() if cls.read(prompt) is not None] == [name]


@pytest.mark.parametrize("name, level", LEVELS)
def test_worked_answer_is_right_and_vary_keeps_it(name, level):
    family, rng, questions = drawn(name, level, 12)
    for facts in questions:
        varied, answer = family.vary(facts, rng), family.work(facts)[1]
        assert family.identity(varied) == family.identity(facts)
        if family.signal == "rule":
            assert family.check(facts, answer)
            assert family.check(varied, answer)
            assert family.check(facts, family.work(varied)[1])
        else:
            assert family.work(varied)[1] == answer


@pytest.mark.parametrize("name, level", LEVELS)
def test_checker_refuses_junk_quickly(name, level):
    source = parse_source(f"{name}:level={level}")
    rng = random.Random(0)
    noise = ["".join(rng.choice("0123456789+-*/() xABC_.,e") for _ in range(rng.randrange(1, 30))) for _ in range(30)]
    task = source.draw("junk", 1, "train")[0]
    entry = task.sealed.open(READER)
    begin = time.process_time()
    paid = [junk for junk in JUNK + noise if source.check(task, junk, entry) != 0 and junk.strip() != entry["answer"]]
    assert time.process_time() - begin < 1
    # Several answers can be right for a rule; noise may be one of the right numbers for a vote.
    assert all(len(junk) < 30 for junk in paid) and len(paid) <= 2
    assert not set(paid) & set(JUNK[11:])


def test_rule_checker_reads_the_prompt_alone():
    for name, cls in FAMILIES.items():
        source = parse_source(f"{name}:level=2")
        task = source.draw("rule", 1, "train")[0]
        answer = task.sealed.open(READER)["answer"]
        bare = Task(id="x", prompt=task.prompt, source=task.source, checker=task.checker)
        grade = source.check(bare, answer, None)
        assert grade == 1 if cls.signal == "rule" else grade != grade
        assert source.checker == task.checker == ("rule" if cls.signal == "rule" else "equal")


def test_own_source_that_a_family_cannot_read_is_not_graded():
    task = Task(id="x", prompt="Write a poem.", source="sort", checker="rule")
    assert parse_source("sort").check(task, "1 2", None) != 0


@pytest.mark.parametrize("text", ["sums", "sums:level=5", "sums:terms=6,digits=2", "countdown:count=4,size=20,times=1"])
def test_text_round_trips_and_draws_repeat(text):
    source = parse_source(text)
    assert isinstance(source, Own) and source.text() == text and parse_source(source.text()) == source
    first, again, other = source.draw("a", 9, "train"), source.draw("a", 9, "train"), source.draw("b", 9, "train")
    assert [t.prompt for t in first] == [t.prompt for t in again] != [t.prompt for t in other]
    assert [t.prompt for t in first[:4]] == [t.prompt for t in source.draw("a", 4, "train")]
    assert all(task.source == text and task.split == "train" for task in first)


@pytest.mark.parametrize(
    "text, says",
    [
        ("smus", "did you mean 'sums'"), ("smus:level=3", "did you mean 'sums'"), ("sums:levle=3", "did you mean 'level'"),
        ("sums:level=99", "outside 1 to 12"), ("sums:level", "level=VALUE"), ("sums:terms=two", "not int"),
        ("sums:terms=-2", "outside 2 to 20"),
        ("", "no tasks given"), ("gym:puzzle24", "refused"),
    ],
)  # fmt: skip
def test_bad_texts_are_one_line(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        parse_source(text)
    assert "\n" not in str(caught.value)


def test_fingerprint_ignores_wording_and_order():
    source = parse_source("sums")

    def print_of(prompt):
        return source.fingerprint(Task(id="x", prompt=prompt))

    assert print_of("Add 12+3+4.") == print_of("What is 3+12+4?") != print_of("Add 12+34.")
    assert print_of("Write  a POEM!") == print_of("write a poem")


def slowly_filled(grid, rng):
    """`fill`, every digit of every blank compared with every peer."""
    peers = [{j for unit in UNITS if i in unit for j in unit if j != i} for i in range(16)]
    options = {i: [d for d in "1234" if all(grid[j] != d for j in peers[i])] for i in range(16) if grid[i] == "_"}
    if not options:
        return grid
    cell = min(options, key=lambda i: len(options[i]))
    for digit in rng.sample(options[cell], len(options[cell])) if rng else options[cell]:
        if done := slowly_filled([*grid[:cell], digit, *grid[cell + 1 :]], rng):
            return done
    return None


@pytest.mark.parametrize("seed", range(10))
def test_sudoku_is_filled_as_by_the_slow_twin(seed):
    full, twin = fill(["_"] * 16, random.Random(seed)), slowly_filled(["_"] * 16, random.Random(seed))
    assert full == twin
    for cell in random.Random(seed).sample(range(16), 10):
        full[cell] = "_"
    assert fill(full, None) == slowly_filled(full, None) and fill(["1", "1", *"_" * 14], None) == slowly_filled(["1", "1", *"_" * 14], None)
