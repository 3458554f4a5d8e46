"""Cells of a prompt column as text or a conversation; what would lose something is refused by name of column and row."""

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.parts import BadInput
from selftaught.tasks.data.golds import plain
from selftaught.types import Message

# How conversations of other makes call the speakers.
ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatgpt": "assistant", "function": "tool"}
TEXTS = ("text", "input_text", "output_text", None)


def read_prompt(cell: Any, where: str, reply: bool = False) -> str | tuple[Message, ...]:
    """A prompt cell: text, or turns with role and content (or from and value), contents as text or parts of text.

    Args:
        cell: what the column holds.
        where: file, row and column, for errors.
        reply: the last turn is the answer, and is left out of the prompt.

    Raises:
        BadInput: anything else, an empty prompt, parts that are no text, calls of tools, a reply nobody asked to leave out.
    """
    cell = plain(cell)
    if isinstance(cell, str):
        return whole(cell, where, "the prompt")
    if not isinstance(cell, Sequence) or not cell or not all(isinstance(turn, Mapping) for turn in cell):
        raise BadInput(f"{where}: a prompt must be text, or a list of messages with role and content")
    turns = tuple(message(turn, f"{where}, turn {number}") for number, turn in enumerate(cell, 1))
    if turns[-1].role == "assistant":
        if not reply:
            column = where.rpartition("column '")[2].rstrip("'")
            raise BadInput(
                f"{where}: the conversation ends with the assistant's turn, which holds the reply: to ask the turns before it and take it "
                f"as the answer write prompt={column},answer={column}.-1"
            )
        turns = turns[:-1]
    if not any(turn.content.strip() for turn in turns):
        raise BadInput(f"{where}: the prompt is empty: give text in it, or leave the row out")
    return turns


def message(turn: Mapping[str, Any], where: str) -> Message:
    """One turn; raises BadInput where its role or content cannot be read."""
    role, content = turn.get("role", turn.get("from")), plain(turn.get("content", turn.get("value")))
    if not isinstance(role, str):
        raise BadInput(f"{where}: a prompt must be text, or a list of messages with role and content")
    if turn.get("tool_calls") or turn.get("function_call"):
        raise BadInput(f"{where} calls a tool, which cannot be rendered: write the call as text in its content, or leave the row out")
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        content = "\n".join(part(piece, where) for piece in content)
    if not isinstance(content, str):
        raise BadInput(f"{where}: a prompt must be text, or a list of messages with role and content: the content here is {content!r:.40}")
    return Message(ROLES.get(role, role), whole(content, where, "the turn", empty=True))


def part(piece: Any, where: str) -> str:
    """A part of a turn's content as text; raises BadInput on images and the like."""
    if isinstance(piece, str):
        return piece
    kind = piece.get("type") if isinstance(piece, Mapping) else type(piece).__name__
    if kind in TEXTS and isinstance(piece.get("text"), str):
        return str(piece["text"])
    raise BadInput(f"{where} has a part of type '{kind}': only text can be asked, leave such rows out")


def whole(text: str, where: str, what: str, empty: bool = False) -> str:
    """The text, if it is one that can be encoded; raises BadInput otherwise."""
    if not text.strip() and not empty:
        raise BadInput(f"{where}: {what} is empty: a prompt must be text, leave the row out")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        bad = text[error.start]
        raise BadInput(f"{where}: {what} holds half a character (surrogate U+{ord(bad):04X}): write the file again as UTF-8") from None
    return text
