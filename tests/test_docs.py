"""README and guides say what the code says."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import selftaught
from selftaught.parts import named
from selftaught.recipe import recipe_names

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def generate():
    """docs/generate.py as a module, its neighbors within reach as when it is run."""
    sys.path.insert(0, str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(ROOT / "docs"))
    return module


def block(marker):
    return re.search(rf"<!-- {marker} -->\n(.*?)\n?<!-- /{marker} -->", README, re.DOTALL)[1]


def test_readme_shows_the_recipe_as_it_is():
    shown = re.fullmatch(r"```python\n(.*)\n```", block("recipe"), re.DOTALL)[1]
    assert shown + "\n" == (ROOT / "src/selftaught/recipes/answers/ttrl.py").read_text()


def test_readme_table_is_current(generate):
    assert block("recipes") == generate.BLOCKS["README.md"]()["recipes"], "run `make readme`"
    for name, blocks in generate.BLOCKS.items():
        assert generate.renewed((ROOT / name).read_text(), blocks()) == (ROOT / name).read_text(), "run `make readme`"
    assert set(re.findall(r"^\| \[`([\w-]+)`\]", block("recipes"), re.MULTILINE)) == set(recipe_names())


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "AGENTS.md",
        "docs/bring-your-own.md",
        "docs/getting-started.md",
        "docs/is-my-gain-real.md",
        "docs/gate.md",
    ],
)
def test_links_and_recipes_exist(name):
    text = (ROOT / name).read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", text):
        made = target.startswith("generated/")
        assert made or ((ROOT / name).parent / target).exists(), target
    named = re.findall(r"selftaught (?:improve|show) ([a-z][\w-]*)", text)
    assert set(named) <= set(recipe_names())
    for target in re.findall(r"\bmake ([a-z0-9-]+)", re.sub(r"`+", "`", text)):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) or f"`make {target}" not in text, target


def test_readme_names_every_key_that_scripts_read():
    keys = set(re.findall(r"`([\w]+)`", README[README.index("## For scripts") :]))
    assert {"verdict", "kind", "best", "baselines", "pass_at", "tokens", "gold_read", "sources", "seconds", "alarms", "run"} <= keys


def test_generated_pages(generate, tmp_path):
    generate.write_pages(tmp_path)
    pages = {path.stem: path.read_text() for path in tmp_path.iterdir()}
    assert set(pages) == {"recipes", "parts", "tasks", "sprout_skills", "flow"}
    assert all(f"## {name}\n" in pages["recipes"] for name in recipe_names())
    assert "`vote`" in pages["parts"] and "`sums`" in pages["tasks"]


def contributed():
    """The examples of CONTRIBUTING.md: a part, a claim."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)


def test_the_claim_in_contributing_works():
    from selftaught import recipe

    made = {}
    exec(contributed()[1], vars(recipe) | {"__builtins__": {}}, made)
    assert all(named("measure", ask.measure) for ask in (*made["claim"].asks, made["claim"].premise))
    assert named("measure", made["claim"].premise.measure).baseline == made["claim"].premise.against


def test_the_part_in_contributing_works():
    """In a process of its own, so that the example is not registered here."""
    example, _ = contributed()
    use = """
import json
from selftaught.parts import build, find, record
print(json.dumps(record(build(find("supervise", "brief"), {"most": "3"}))))
"""
    done = subprocess.run([sys.executable, "-c", example + use], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"part": "supervise/brief", "most": 3}


def test_constraints_pin_every_direct_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert {re.split(r"[<>=]", line)[0] for line in wanted} <= set(pins)
    assert pins["torch"] == "2.13.0"


def test_version_is_the_package_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", selftaught.__version__)


def test_every_promise_names_tests_that_are_there():
    text = (ROOT / "docs" / "promises.md").read_text()
    named, file = [], ""
    for found in re.findall(r"`([\w/]*\.?p?y?)::(test_\w+)`", text):
        file = found[0] or file
        named.append((file, found[1]))
    assert len(named) > 20
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text(), (path, test)
