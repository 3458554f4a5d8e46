"""A run folder as the report reads it: what is missing is empty, a last line cut short is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selftaught.parts import BadInput
from selftaught.run import files

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """What a run left behind.

    Attributes:
        folder: where.
        manifest, result, forecast, per_task, pointers: run.json, result.json, forecast.json, held_out.json, latest.json.
        steps, ledger: rows of steps.jsonl and ledger.json.
    """

    folder: Path
    manifest: Row
    result: Row
    forecast: Row
    per_task: Row
    pointers: Mapping[str, int]
    steps: tuple[Row, ...]
    ledger: tuple[Row, ...]

    @property
    def job(self) -> Row:
        """What the run was asked to do."""
        return as_dict(self.manifest.get("job"))

    def lines(self, name: str) -> Iterator[Row]:
        """Rows of one of its jsonl files, one at a time."""
        return lines(self.folder / name)


def as_dict(value: Any) -> Row:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def read_json(path: Path) -> Any:
    """A JSON file, None when there is none; BadInput when it is damaged, or newer than this version."""
    return files.read_json(path, "mend it or run again") if path.exists() else None


def lines(path: Path) -> Iterator[Row]:
    """Objects of a jsonl file; lines that are no JSON object are skipped, as a run that was killed leaves half a line."""
    if not path.exists():
        return
    with path.open("rb") as rows:
        for row in rows:
            try:
                value = files.parsed(row.decode("utf-8", "replace").encode(), path)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


def read_run(folder: Path) -> RunFiles:
    """Everything of a run but its attempts; raises BadInput when the folder holds no run."""
    manifest = read_json(folder / "run.json")
    if not isinstance(manifest, dict):
        raise BadInput(f"{folder} holds no run: give the folder of one, which holds run.json")
    pointers = {str(k): int(v) for k, v in as_dict(read_json(folder / "latest.json")).items() if str(v).isdecimal()}
    ledger = read_json(folder / "ledger.json")
    rows = ledger.get("rows", []) if isinstance(ledger, dict) else ledger or []
    return RunFiles(
        folder=folder, manifest=manifest, result=as_dict(read_json(folder / "result.json")),
        forecast=as_dict(read_json(folder / "forecast.json")), per_task=as_dict(read_json(folder / "held_out.json")),
        pointers=pointers, steps=tuple(lines(folder / "steps.jsonl")), ledger=tuple(row for row in rows if isinstance(row, dict)),
    )  # fmt: skip
