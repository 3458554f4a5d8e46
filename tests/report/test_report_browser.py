"""The page in a real browser: filters work, nothing is fetched, nothing breaks; on a phone, in the dark, at 10,000 attempts."""

import json
import time

import pytest
from browser import MISSING, Browser, colors, contrast
from made_runs import make_run
from test_report_page import compared

from selftaught.report import write_comparison, write_report

pytestmark = pytest.mark.skipif(MISSING, reason="chromium and chromedriver are needed")
SHOWN = "return document.querySelectorAll('#held .list > li').length"
READ = "return document.querySelector('#held .list').innerText"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "run", hostile=True))


@pytest.fixture
def opened(browser, report):
    browser.size(1280)
    browser.scheme("light")
    browser.open(report)
    yield browser
    browser.quiet(report)


def test_it_opens_with_what_is_confident_and_wrong(opened):
    assert opened.run(SHOWN) == 4
    assert opened.run("return document.querySelector('#held [aria-pressed=true]').innerText") == "Confident and wrong 4"
    assert opened.run("return document.querySelector('#held .tally').innerText") == "4 of 4 shown"
    struck = opened.run("return [...document.querySelectorAll('#held .side:last-child s')].map((e) => e.textContent)")
    assert struck.count("13") == 4
    assert opened.run("return getComputedStyle(document.querySelector('#held s')).textDecorationLine") == "line-through"


@pytest.mark.parametrize("letter, count, word", [("f", 4, "right"), ("b", 4, "right"), ("w", 8, "0% right"), ("", 12, "Show 28 more")])
def test_each_filter_shows_its_questions(opened, letter, count, word):
    opened.click(f'#held [data-filter="{letter}"]')
    assert opened.run(SHOWN) == count
    assert word in opened.run("return document.getElementById('held').innerText")
    if letter == "f":
        # Right answers are not struck out.
        assert opened.run("return document.querySelectorAll('#held .side:last-child s').length") == 0


def test_search_task_source_and_paging(opened):
    opened.click('#held [data-filter=""]')
    opened.click("#held .more")
    assert opened.run(SHOWN) == 40 and opened.run("return document.querySelector('#held .more').hidden")
    opened.run("const s = document.querySelector('#held select'); s.value = 'sort:level=6'; s.dispatchEvent(new Event('change'))")
    assert opened.run("return document.querySelector('#held .tally').innerText") == "12 of 13 shown"
    opened.type("#held input", "gives 13X")
    opened.until(f"{SHOWN} === 1")
    assert "Which x gives 13x+36=360?" in opened.run(READ)
    opened.type("#held input", " no such words")
    opened.until(f"{SHOWN} === 0")
    assert opened.run("return document.querySelector('#held .tally').innerText") == "Nothing here passes this filter."


def test_a_question_opens_with_attempts_scores_and_tokens(opened):
    opened.click('#held [data-filter="f"]')
    opened.click("#held .card > summary")
    opened.until("return document.querySelectorAll('#held .card[open] .attempt').length === 8")
    assert opened.run("return document.querySelectorAll('#held .card[open] .attempt.yes').length") == 4
    token = opened.run("const t = document.querySelector('#held .tokens span'); return [t.title, getComputedStyle(t).backgroundColor]")
    assert "nats" in token[0] and token[1] != "rgba(0, 0, 0, 0)"
    # Opened twice, built once.
    opened.click("#held .card > summary")
    opened.click("#held .card > summary")
    assert opened.run("return document.querySelectorAll('#held .card[open] .attempt').length") == 8


def test_training_attempts_show_scores_notes_and_revisions_below_their_parents(opened):
    assert opened.run("return document.querySelector('#groups .tally').innerText") == "12 of 120 shown"
    opened.click("#groups .card > summary")
    opened.until("return document.querySelector('#groups .card[open] .attempt') !== null")
    places = opened.run("return [...document.querySelectorAll('#groups .card[open] .attempt')].map((e) => e.classList.contains('child'))")
    assert places == [False, True, False, False, False]
    child = opened.run("return document.querySelector('#groups .attempt.child').innerText")
    assert "score 1 by self" in child and "revises attempt 1" in child and "</script><b>" in child


def test_hostile_attempts_do_nothing(opened):
    opened.click('#held [data-filter=""]')
    opened.click("#held .more")
    opened.run("document.querySelectorAll('.card').forEach((card) => (card.open = true))")
    time.sleep(0.2)
    assert opened.run("return window.owned === undefined && document.querySelectorAll('img, iframe, object, b b').length === 0")
    assert opened.run("return document.documentElement.scrollWidth <= innerWidth")
    assert "</script><img src=x onerror=" in opened.run(READ)


def test_the_command_is_copied(opened):
    wanted = "selftaught improve selftaught --tasks linear:level=6 sort:level=6 sudoku:level=8 --budget 1000000 --seed 3"
    assert opened.run("return document.getElementById('command').textContent") == wanted
    opened.run("navigator.clipboard.writeText = (words) => { window.copied = words; return Promise.resolve(); }")
    opened.click("#copy")
    assert opened.run("return window.copied") == wanted
    opened.until("return document.getElementById('copy').innerText === 'Copied'")
    opened.run("navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = (c) => c === 'copy'")
    opened.click("#copy")
    opened.until("return document.getElementById('copy').innerText === 'Copied'")


@pytest.mark.parametrize("width", [360, 390, 760])
def test_it_fits_a_phone(opened, report, width):
    opened.size(width, 780, mobile=True)
    opened.open(report)
    opened.run("document.querySelectorAll('.card').forEach((card) => (card.open = true))")
    time.sleep(0.1)
    assert opened.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]") == [width, width]
    wide = "return [...document.querySelectorAll('%s')].filter((e) => e.getBoundingClientRect().width > 0).length"
    assert (opened.run(wide % ".wide svg") == 0) == (width < 620) == (opened.run(wide % ".narrow svg") > 0)
    # Words in pictures stay large enough to read.
    sizes = "return [...document.querySelectorAll('svg text')].map((e) => e.getBoundingClientRect().height).filter((h) => h > 0)"
    assert min(opened.run(sizes)) >= 11


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_light_and_dark(opened, report, scheme):
    opened.scheme(scheme)
    opened.open(report)
    paper = colors(opened.run("return getComputedStyle(document.body).backgroundColor"))
    assert (sum(paper) < 120) == (scheme == "dark")
    for words in ("h1", "h1 em", ".muted", "section p", ".tally", "#held s", "dt", ".filters button b", ".side span"):
        color = colors(opened.run(f"return getComputedStyle(document.querySelector({json.dumps(words)})).color"))
        ground = paper
        if words == ".filters button b":
            ground = colors(opened.run("return getComputedStyle(document.querySelector('.filters [aria-pressed=true]')).backgroundColor"))
        assert contrast(color, ground) >= 4.5, words
    for shape in (".axis", ".label", ".value", "text.s0", "text.s1", "text.s2"):
        fill = colors(opened.run(f"return getComputedStyle(document.querySelector('.wide {shape}')).fill"))
        assert contrast(fill, paper) >= 4.5, shape


def test_without_scripts_the_verdict_plots_and_first_questions_are_there(browser, report):
    wanted = ("39.2% to 54.6%", "Start, greedy", "13", "pass@16", "--budget")
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(report)
        ends = time.monotonic() + 5
        while not all(words in (seen := browser.words()) for words in wanted):
            assert time.monotonic() < ends, [words for words in wanted if words not in seen]
            time.sleep(0.05)
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert "Show more" not in seen and "Confident and wrong" not in seen
    browser.quiet(report)


def test_a_comparison(browser, tmp_path):
    page = write_comparison(compared(), tmp_path / "comparison.html")
    browser.open(page)
    assert "ttrl is highest" in browser.run("return document.querySelector('h1').innerText")
    browser.size(360, 780, mobile=True)
    browser.open(page)
    assert browser.run("return document.documentElement.scrollWidth") == 360
    browser.quiet(page)


def test_ten_thousand_attempts_are_quick(browser, tmp_path):
    page = write_report(make_run(tmp_path / "run", tasks=600, each=8, count=20, groups=4))
    assert page.stat().st_size < 8_000_000
    browser.size(1280)
    started = time.monotonic()
    browser.open(page)
    assert time.monotonic() - started < 5
    assert browser.run("return DATA.held.attempts + DATA.training.attempts") == 10_000
    timed = """const start = performance.now(); document.querySelector('#held [data-filter="%s"]').click();
      document.body.getBoundingClientRect(); return performance.now() - start"""
    assert browser.run(timed % "") < 300 and browser.run(timed % "w") < 300
    assert browser.run("return document.querySelectorAll('*').length") < 8_000
    browser.quiet(page)
