"""Looking at a module in the middle of somebody else's training without leaving a trace."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


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
