"""Looking at a module in the middle of somebody else's training without leaving a trace."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch

T = TypeVar("T")


@contextmanager
def undisturbed(module: Any) -> Iterator[None]:
    """Evaluation mode without gradients inside; random states and every submodule's mode as before afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())), torch.no_grad():
            module.eval()
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        for part, mode in modes:
            part.training = mode


def unwrapped(module: Any) -> Any:
    """The module itself, without the wrappers for several processes or compilation; a PEFT adapter stays on."""
    while inner := getattr(module, "_orig_mod", None) or getattr(module, "module", None):
        module = inner
    return module


def finished(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine function, also where an event loop is running already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(work())).result()
