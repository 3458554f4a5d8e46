"""What runs in a checker process: reads calls, grades them, and answers; it may be killed at any time."""

import contextlib
import json
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from selftaught.tasks.checker_fork import OVERDRAWN, Limits, clock, executes, forked, grade
from selftaught.tasks.checker_guard import Guard, confine, guard

__all__ = ["OVERDRAWN", "guard"]


def reply(call: tuple[str, Any, str, Any], begin: Callable[[], None], limits: Limits, hook: Guard) -> tuple[float, str]:
    """(grade, kind of failure) of one call: in a fork where the checker runs answers as code, else here."""
    from selftaught.tasks.source import parse_source

    text, task, answer, entry = call
    source = parse_source(text)
    prepare = getattr(source, "prepare", None)
    if prepare is not None:
        prepare()
    begin()
    if executes(source):
        return forked(source, task, answer, entry, limits, hook)
    if hook.mode == "off":
        confine(limits.memory)
        hook.mode = "plain"
    clock(limits.seconds)
    try:
        return grade(source, task, answer, entry)
    finally:
        clock(0)


Reply = Callable[[Any, Callable[[], None], Limits, Guard], tuple[float, str]]


def serve(calls: BinaryIO, replies: BinaryIO, limits: Limits, answer: Reply = reply) -> None:
    """Answer pickled (token, call) until the stream ends: first that grading begins, then what came of it."""
    hook = Guard()
    sys.addaudithook(hook)

    while True:
        try:
            token, call = pickle.load(calls)
        except EOFError:
            hook.mode = "off"
            with contextlib.suppress(OSError):
                os.rmdir(limits.folder)
            return

        def send(said: float | str, kind: str, token: str = token) -> None:
            # Not a pickle: what a checker runs could write into this stream, and unpickling that would run it in the parent.
            replies.write(json.dumps([said, kind, token]).encode() + b"\n")
            replies.flush()

        def begin(send: Callable[[str, str], None] = send) -> None:
            send("begin", "")

        send(*answer(call, begin, limits, hook))


def main(answer: Reply = reply) -> None:
    """Take the standard streams for the calls and leave nothing there for a checker to touch."""
    sys.dont_write_bytecode = True
    calls, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    serve(calls, replies, Limits(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]), answer)


if __name__ == "__main__":
    main()
