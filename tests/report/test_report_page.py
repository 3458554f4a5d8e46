"""The page as a file: whole, safe, small enough, and there even when half of the run is missing."""

import json
import re
import time
from html.parser import HTMLParser

import pytest
from made_runs import HOSTILE, make_run

from selftaught.report import write_comparison, write_report
from selftaught.report.comparison import listed, page_of

VOID = {"meta", "link", "input", "img", "br", "hr"}
CSP = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


class Page(HTMLParser):
    """Elements of a page; fails where they are not closed in order."""

    def __init__(self, path):
        super().__init__()
        self.open, self.elements, self.words, self.data = [], [], [], ""
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if self.open[-1:] == ["script"] and self.elements[-1][1].get("id") == "data":
            self.data += data
        elif not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def attributes(self, name):
        return [a for n, a in self.elements if n == name]


@pytest.fixture
def page(tmp_path):
    return lambda **options: Page(write_report(make_run(tmp_path / "run", **options)))


def test_the_page_says_everything_without_scripts(page):
    found = page()
    for words in (
        "Improved: 39.2% to 54.6%", "956k of 1M tokens", "no answer read to train or select", "sprout", "linear:level=6, sort:level=6",
        "200 held-out tasks", "Start, greedy", "Start, equal-token vote of 11", "After, best (T=0.3)", "+16.0 (9.0 to 23.0)", "Forecast",
        "+11.0 (4.0 to 18.0)", "A gain was expected: Votes are right more often", "62% self", "Tokens by stage", "Elsewhere: sums",
        "pass@16", "14, this one included",
        "after about 4,200 questions", "Agreement with itself", "best", "step 40", "python 3.11.7", "c97e470cb53b0c5c",
    ):  # fmt: skip
        assert words in found.text, words
    assert found.text.index("The staircase") < found.text.index("Before and after") < found.text.index("Signal and budget")
    assert found.text.index("Questions") < found.text.index("Training attempts") < found.text.index("Health") < found.text.index("Lineage")
    assert "Alarm" not in found.text
    # The first confident and wrong questions are there in plain HTML too.
    assert found.text.count("after: 13 ×4") == 4


def test_nothing_is_fetched_and_only_the_pages_own_scripts_run(page):
    found = page(hostile=True)
    assert {"http-equiv": "Content-Security-Policy", "content": CSP} in found.attributes("meta")
    addresses = [value for _, a in found.elements for key, value in a.items() if key in ("src", "href", "action", "data", "srcset")]
    assert addresses == ["data:,"]
    assert not [a for _, a in found.elements if any(key.startswith("on") for key in a)] and not found.attributes("img")
    assert [a.get("type") for a in found.attributes("script")] == ["application/json", None]


def test_hostile_text_comes_through_as_text(page):
    data = json.loads(page(hostile=True).data)
    assert HOSTILE[0] in data["texts"] and "␛[31mred␛[0m␇" in data["texts"] and "a␀b" in data["texts"]
    assert not [t for t in data["texts"] if re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", t)]
    assert max(map(len, data["texts"])) < 2100


@pytest.mark.parametrize("tone, verdict", [
    ("good", "improved"), ("bad", "worse"), ("flat", "no change larger than 3.0 points"), ("unsure", "can't tell (needs 900 tasks)"),
    ("none", "not tested"),
])  # fmt: skip
def test_the_verdict_has_its_color(page, tone, verdict):
    [head] = [a["class"] for a in page(verdict=verdict).attributes("header") if a.get("class", "").startswith("verdict")]
    assert head == f"verdict {tone}"


def test_alarms_stand_above_everything_else(page):
    found = page(alarms=[{"name": "one-answer", "step": 12, "message": "One answer for <everything>."}])
    assert found.text.index("One answer for <everything>.") < found.text.index("The staircase")


@pytest.mark.parametrize(
    "gone", ["result.json", "forecast.json", "held_out.json", "held_out.jsonl", "ledger.json", "latest.json", "steps.jsonl"]
)
def test_a_page_comes_out_of_half_a_run(tmp_path, gone):
    folder = make_run(tmp_path / "run", tasks=5, count=12)
    (folder / gone).unlink()
    found = Page(write_report(folder))
    assert ("no verdict yet" in found.text) == (gone == "result.json")


def test_a_run_that_has_only_begun(tmp_path):
    folder = make_run(tmp_path / "run", tasks=1, count=2)
    for path in folder.iterdir():
        if path.name != "run.json":
            path.unlink()
    assert "Not finished: this run has no verdict yet." in Page(write_report(folder)).text


def test_a_verdict_without_numbers(page):
    nothing = {key: None for key in ("before", "after", "gain", "low", "high", "p", "kind", "smallest_effect")}
    best = {key: None for key in ("before", "after", "gain", "low", "high", "p", "settings")}
    empty = {
        "baselines": {},
        "baseline_intervals": {},
        "pass_at": {},
        "equal_tokens": None,
        "break_even": None,
        "off_task": None,
        "reuse": None,
    }
    found = page(verdict="not tested", sentence="Not tested: --no-gate was given.", best=best, **nothing, **empty)
    assert "Not tested: --no-gate was given." in found.text and "Before and after" not in found.text


def test_the_same_run_gives_the_same_page(tmp_path):
    folder = make_run(tmp_path / "run", tasks=5, count=12)
    assert write_report(folder).read_bytes() == write_report(folder).read_bytes()
    assert not list(folder.glob("*.part"))


@pytest.mark.slow
def test_ten_thousand_long_attempts_stay_below_eight_megabytes(tmp_path):
    folder = make_run(tmp_path / "run", tasks=250, each=16, count=100, groups=4, long="<b>word</b> & so on " * 150)
    started = time.process_time()
    path = write_report(folder)
    assert time.process_time() - started < 20
    data = json.loads(Page(path).data)
    assert path.stat().st_size < 8_000_000 and data["held"]["attempts"] + data["training"]["attempts"] == 10_000


def compared(**changed):
    def row(name, gain, letters, separated, verdict="improved"):
        side = {"before": 0.5, "after": 0.5 + gain, "gain": gain, "low": gain - 0.03, "high": gain + 0.03, "p": 0.01, "holm": 0.02}
        return {
            "recipe": name, "seeds": [0, 1], "stated": side, "best": side, "kind": "new", "tokens": 3e5, "flops": 1e12, "seconds": 40.0,
            "alarms": [],
            "gold_read": {"train": 0, "select": 0}, "separated": separated, "letters": letters, "verdict": verdict, "holm": 0.02,
        }  # fmt: skip

    rows = [row("zero-lr", 0.0, "b", ["ttrl", "star"]), row("star", 0.1, "a", ["zero-lr"]), row("ttrl", 0.12, "a", ["zero-lr"])]
    return {"rows": rows, "tasks": ["sums:level=3"], "budget": 300_000, "model": "sprout", "settings": {"equal": "tokens"}} | changed


def test_a_comparison_names_the_highest_and_what_is_not_apart_from_it(tmp_path):
    found = Page(write_comparison(compared(), tmp_path / "out" / "comparison.html"))
    assert "ttrl is highest: +12.0 (9.0 to 15.0) points over the start" in found.text
    assert "no interval separates it from star." in found.text and "300k tokens each" in found.text
    assert [a.get("class") for a in found.attributes("tr")] == [None, None, None, "control"]
    assert len([a for a in found.attributes("rect") if a["class"] == "band"]) == 2
    assert write_comparison(compared(), tmp_path) == tmp_path / "comparison.html"


def test_a_control_that_is_not_apart_takes_the_color_away():
    table = compared()
    assert page_of(table)["tone"] == "good"
    table["rows"][2]["separated"], table["rows"][0]["separated"] = [], ["star"]
    made = page_of(table)
    assert made["tone"] == "unsure" and "zero-lr (a control)" in made["rest"]
    for row in table["rows"]:
        row["letters"] = ""
    assert [row["letters"] for row in page_of(table)["rows"]] == ["≈", "≈", "≈"]


def test_an_empty_comparison_and_hostile_names(tmp_path):
    assert "nothing to compare" in Page(write_comparison({"rows": []}, tmp_path / "a.html")).text
    failed = [{"recipe": "<script>x</script>", "seed": 1, "why": "\x1b[31mdied"}]
    assert "<script>x</script>, seed 1: ␛[31mdied" in Page(write_comparison(compared(failed=failed), tmp_path / "b.html")).text
    assert listed(list("abcdefg")) == "a, b, c and 4 others" and listed(["a", "b"]) == "a and b" and listed(["a"]) == "a"
