"""Whether held-out questions are among what a trainer trains on, in whatever shape its data set holds them."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.jobs.bench import Bench
from selftaught.parts import BadInput
from selftaught.tasks.known import Marks
from selftaught.tasks.source import parse_source
from selftaught.types import Message, Task

MOST_PROMPTS = 1_000_000
# Columns in which trainers keep what is asked, or what is asked and answered.
COLUMNS = ("prompt", "messages", "conversations", "chosen", "rejected", "text", "question", "problem", "query", "instruction", "input")


def refuse_shared(bench: Bench, loader: Any, tokenizer: Any = None) -> None:
    """Raises BadInput when held-out questions are among the training prompts; warns where these cannot be read."""
    data, held = getattr(loader, "dataset", None), bench.splits["held-out"]
    if data is None:
        return
    if reason := unreadable(data, tokenizer):
        warnings.warn(
            f"selftaught could not look for the held-out questions in the training data, {reason}: see to it that they are not in there",
            stacklevel=2,
        )
        return
    apart = Marks([parse_source(text) for text in dict.fromkeys(task.source for task in held)])
    owners: dict[str, set[str]] = {}
    for task in held:
        apart.asked.add(task.prompt, task.id)
        for mark in apart.of(task):
            owners.setdefault(mark, set()).add(task.id)
    met: set[str] = set()
    for prompt in prompts(data, tokenizer):
        met |= apart.asked.met(prompt)
        for mark in apart.of(Task(id="", prompt=prompt)):
            met |= owners.get(mark, set())
    if met:
        example = next(task.text for task in held if task.id in met)
        raise BadInput(
            f"{len(met)} of {len(held)} held-out questions are among the training prompts, e.g. {example[:60]!r}: give GateCallback "
            "tasks that are not trained on, or leave them out of train_dataset"
        )


def unreadable(data: Any, tokenizer: Any) -> str:
    """Why a training set cannot be looked through; "" where it can."""
    names = columns(data)
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        return "which is a stream"
    if len(data) > MOST_PROMPTS:
        return f"which has more than {MOST_PROMPTS:,} rows"
    if not names and not ("input_ids" in all_columns(data) and hasattr(tokenizer, "decode")):
        return f"which has none of the columns {', '.join(COLUMNS)}"
    return ""


def all_columns(data: Any) -> tuple[str, ...]:
    """The columns of a data set, or the keys of its first row."""
    if getattr(data, "column_names", None):
        return tuple(data.column_names)
    first = data[0] if hasattr(data, "__getitem__") and hasattr(data, "__len__") and len(data) else None
    return tuple(first) if isinstance(first, Mapping) else ()


def columns(data: Any) -> list[str]:
    """Those in which something is asked."""
    return [name for name in COLUMNS if name in all_columns(data)]


def prompts(data: Any, tokenizer: Any) -> Iterator[str | tuple[Message, ...]]:
    """What each row asks: all that its columns hold, or the text of its tokens."""
    names = columns(data)
    for index in range(len(data)):
        row = data[index]
        if names:
            yield from (prompt for name in names if (prompt := said(row[name])))
        else:
            yield str(tokenizer.decode(row["input_ids"], skip_special_tokens=True))


def said(cell: Any) -> str | tuple[Message, ...]:
    """A cell as text or turns, whatever parts its contents have; what is no text is left out, as nothing is asked by it."""
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, list | tuple):
        return ""
    turns = [turn for turn in cell if isinstance(turn, Mapping)]
    return tuple(Message(str(turn.get("role", turn.get("from"))), flat(turn.get("content", turn.get("value")))) for turn in turns)


def flat(content: Any) -> str:
    """The text of a turn's content."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else []
    return "\n".join(
        piece if isinstance(piece, str) else str(piece.get("text") or "") for piece in parts if isinstance(piece, str | Mapping)
    )
