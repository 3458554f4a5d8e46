"""Which engine samples a language model: this process's own, or vLLM beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selftaught.format import Format
from selftaught.models.loading.gguf import gguf_file
from selftaught.models.loading.places import find_place
from selftaught.parts import BadInput, nearest, parse_options
from selftaught.protocols import Model

ENGINES = ("local", "vllm")
LOCAL_OPTIONS = ("dtype", "fast")


def parse_engine(text: str) -> tuple[str, dict[str, Any]]:
    """(name, options) of `NAME` or `NAME:OPTION=VALUE,...`; else raises BadInput.

    Options of `vllm` go to `vllm.LLM`; `local` has dtype and fast (see `open_local`).
    """
    name, _, tail = text.partition(":")
    if name not in ENGINES:
        raise BadInput(f"unknown engine '{text}': {nearest(name, ENGINES)}")
    options = {key.replace("-", "_"): value_of(value) for key, value in parse_options(tail).items()}
    if name == "local" and (unknown := next((key for key in options if key not in LOCAL_OPTIONS), None)):
        raise BadInput(f"engine 'local' has no option '{unknown}': {nearest(unknown, LOCAL_OPTIONS)}, or take --engine vllm")
    return name, options


def value_of(text: str) -> Any:
    """A number, true or false where the text is one, else the text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def open_language_model(
    engine: str,
    where: str | Path,
    format: Format,
    seed: int,
    adapter: str,
    modules: Mapping[str, Any] | None = None,
    prefixes: Mapping[str, Any] | None = None,
) -> Model:
    """A folder or hub id behind the seven verbs, sampled by an engine.

    Raises:
        BadInput: in one line, when it cannot be opened or the engine is not installed.
    """
    name, options = parse_engine(engine)
    if name == "vllm":
        from selftaught.models.vllm.model import open_vllm

        return open_vllm(where, format=format, seed=seed, adapter=adapter, modules=modules, options=options, prefixes=prefixes)
    if not gguf_file(str(where)):
        # before torch is imported, which takes seconds
        find_place(str(where))
    from selftaught.models.language.local import open_local

    return open_local(where, format=format, seed=seed, adapter=adapter, modules=modules, prefixes=prefixes, **options)
