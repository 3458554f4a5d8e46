"""Own families as a general model meets them: plain wordings, stated constraints, limits, and what rules must not pay."""

import random
import time

import pytest

from selftaught.format import Format
from selftaught.parts import BadInput
from selftaught.tasks.english import SHOWN, english, known, spelled
from selftaught.tasks.own import families
from selftaught.tasks.pool import task_of, task_record
from selftaught.tasks.source import parse_source
from selftaught.types import Task

FAMILIES = families()
PLAIN = [name for name, cls in FAMILIES.items() if cls.plain]
RULES = [name for name, cls in FAMILIES.items() if cls.signal == "rule"]
# Families whose right answer may stand in the question already.
ECHO = ("sort", "alphabet", "compare")


def right(family, prompt, reply):
    """Whether a reply is right, as a rule decides from the prompt."""
    return family.check(family.read(prompt), reply)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_wordings_say_what_terse_ones_say(name):
    for level in range(1, len(FAMILIES[name].ladder) + 1):
        terse, plain, rng = FAMILIES[name](level=level), FAMILIES[name](level=level, words="plain"), random.Random(level)
        assert len(plain.asked) >= 4 and not set(plain.asked) & set(terse.asked)
        for facts in (terse.draw(rng) for _ in range(8)):
            for wording in range(len(plain.asked)):
                prompt = plain.render(facts, wording)
                assert terse.read(prompt) == facts and len(prompt) <= 1000
                assert [other for other, cls in FAMILIES.items() if cls.read(prompt) is not None] == [name]


def test_both_wordings_are_one_question():
    terse, plain = parse_source("sums:level=1"), parse_source("sums:level=1,words=plain")
    asked = [
        Task(id="x", prompt=p)
        for p in ("Add 7+6.", "What is 6 plus 7?", "Tom has 7 books and buys 6 more. How many books does he have now?")
    ]
    assert len({source.fingerprint(task) for source in (terse, plain) for task in asked}) == 1
    assert plain.fingerprint(asked[0]) != plain.fingerprint(Task(id="x", prompt="What is 7 plus 7?"))
    assert {type(parse_source("sums")).__name__, plain.scope} == {"Own", terse.scope}
    small = FAMILIES["sums"](terms=2, digits=2, rest=1)
    assert all(a >= 10 > b for a, b in (small.draw(random.Random(seed)) for seed in range(40)))
    assert all("+" not in task.prompt for task in plain.draw("k", 40, "train"))


@pytest.mark.parametrize("name", [name for name, cls in FAMILIES.items() if not cls.plain])
def test_families_of_one_set_of_wordings_have_enough(name):
    cls = FAMILIES[name]
    assert len(cls.wordings) >= 4 and cls(words="plain").asked == cls.wordings


@pytest.mark.parametrize("name", RULES)
def test_rules_do_not_pay_what_is_no_answer(name):
    source, words = parse_source(f"{name}:level=2,words=plain"), " ".join(SHOWN)
    for task in source.draw("echo", 24, "train"):
        family = FAMILIES[name](level=2)
        replies = [
            "",
            " ",
            words,
            " ".join(SHOWN[:60]),
            "yes",
            "I do not know",
            "sorry, I cannot do that",
            "q x z",
            "word " * 5,
            "1 2 3",
            "the " * 60,
        ]
        replies += [] if name in ECHO else [task.prompt, task.prompt.lower(), f"{task.prompt} {task.prompt}"]
        begin = time.process_time()
        assert [reply for reply in replies if source.check(task, reply, None) > 0] == []
        assert time.process_time() - begin < 0.5
        facts = family.read(task.prompt)
        assert not family.check(facts, family.spoil(facts, random.Random(1))[1]) or name in ("linear", "subset", "path")


def test_a_rule_is_told_what_the_format_reads():
    """What a model says is read as its family asks for, unless the user says how."""
    for text, reply, answer in (
        ("sums", "7 + 6 = 13", "13"), ("sentence", "I see a river.", "I see a river"), ("counting", "3, 4,\n5.", "3, 4, 5"),
    ):  # fmt: skip
        task, format = parse_source(text).draw("k", 1, "train")[0], Format()
        assert task.reads == FAMILIES[text].reads == task_of(task_record(task)).reads
        assert format.suited(task.reads).canonical(reply, task.numeric) == answer
        assert Format(answer="number").suited(task.reads).answer == "number"


@pytest.mark.parametrize(
    "text, says",
    [
        ("sums:terms=100000", "terms=100000 is outside 2 to 20"), ("sums:digits=99", "outside 1 to 12"),
        ("countdown:count=9", "outside 2 to 7"),
        ("path:nodes=40", "outside 2 to 26"), ("sudoku:blanks=0", "outside 1 to 16"), ("sums:words=fancy", "write terse or plain"),
        ("sums:level=2,terms=9", "leave out terms=9 or the level"), ("sentence:most=40", "outside 4 to 12"),
    ],
)  # fmt: skip
def test_settings_without_questions_are_refused_in_one_line(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        parse_source(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FAMILIES)
def test_at_its_limits_a_family_still_draws_quickly_and_reads_itself(name):
    cls, rng = FAMILIES[name], random.Random(0)
    begin = time.process_time()
    for side in (0, 1):
        family = cls(**{key: span[side] for key, span in cls.limits.items()})
        for words in ("terse", "plain"):
            facts = family.draw(rng)
            prompt = cls(words=words).render(facts)
            assert family.read(prompt) == facts and len(prompt) <= 1000 and len(family.work(facts)[1]) <= 400
            assert cls.signal == "vote" or family.check(facts, family.work(facts)[1])
    assert time.process_time() - begin < 2


def test_constraints_are_checked_as_a_reader_would():
    begins, sentence, without = (FAMILIES[name]() for name in ("begins", "sentence", "without"))
    three = "Write exactly three words that begin with the letter b."
    for reply in (
        "bat, ball, bird",
        "Bat Ball Bird.",
        "1. bat\n2. ball\n3. bird",
        "1. bat 2. ball 3. bird",
        "- bat\n- ball\n- bird",
        '"bat", "ball", "bird"',
    ):
        assert right(begins, three, reply)
    for reply in (
        "bat, ball",
        "bat, bat, ball",
        "bat, ball, cat",
        "bxq, ball, bird",
        "Here are three words: bat, ball, bird",
        "b, bb, bbb",
    ):
        assert not right(begins, three, reply)
    five = "Please write a sentence of exactly five words that contains the word river."
    assert right(sentence, five, "The river is very long.") and right(sentence, five, "I don't like the river!")
    for reply in (
        "The river is long.",
        "River river river river river.",
        "I see it. A river.",
        "The rivr is very long.",
        "The lake is very long.",
    ):
        assert not right(sentence, five, reply)
    some = "Use the word river in a sentence. It must have four to six words."
    assert right(sentence, some, "I like the river.") and right(sentence, some, "The big river is very long.")
    assert not right(sentence, some, "The river flows.") and not right(sentence, some, "The big old river is very long.")
    apple = "Use the word dog in a sentence without the letter e."
    assert right(without, apple, "A big dog can run fast.") and not right(without, apple, "The big dog can run.")
    assert not right(without, apple, "A dog runs") and not right(without, apple, "My cat can run fast.")


def test_the_words_that_questions_show_are_known():
    assert len(SHOWN) == len(set(SHOWN)) > 190 and all(map(known, SHOWN)) and len(english()) > 30_000
    assert all(map(known, ("Butterfly", "don't", "won't", "I'm", "dog's"))) and not any(map(known, ("rivr", "xq", "b", "")))
    assert spelled("One, two; (three)!") == ["one", "two", "three"] and spelled("one xq") == [] and spelled("a " * 50) == []
