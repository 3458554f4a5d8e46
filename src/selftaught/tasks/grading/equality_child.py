"""What runs in the process of `equality`: math-verify on one pair after the other, until it is ended."""

import logging
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from selftaught.tasks.grading.checker_child import Begin, Ready, clock, main

WARM = ((r"\frac{1}{2}", "0.5"), (r"\sqrt{2}+x", r"x+\sqrt{2}"), (r"\{1,2\}", r"\{2,1\}"), ("x=2", "2"), (r"\frac{x+1}{2}", "2x"))


@lru_cache(maxsize=1)
def verifier() -> Callable[[str, str], bool]:
    """math-verify with its parser and caches loaded, which is not a pair's time."""
    from latex2sympy2_extended.latex2sympy2 import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    # It says once that its own limit of time is off: ours is on.
    logging.disable(logging.CRITICAL)
    # Units are compared before; a number inside a text that is no expression is not the answer.
    normal = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="all", equations=False)
    reads = [LatexExtractionConfig(normalization_config=normal, boxed_match_priority=-1)]

    def equal(answer: str, right: str) -> bool:
        both = [parse(f"${text}$", reads, fallback_mode="no_fallback", parsing_timeout=None) for text in (right, answer)]
        return all(both) and bool(verify(*both, timeout_seconds=None))

    for pair in WARM:
        equal(*pair)
    return equal


def reply(call: Any, begin: Begin, ready: Ready) -> tuple[float, str]:
    """(1 or 0, kind of failure) of a pair (answer, right)."""
    equal = verifier()
    begin()
    ready.confine()
    clock(ready.seconds)
    try:
        return float(equal(*call)), ""
    except MemoryError:
        return math.nan, "memory"
    except Exception:
        return 0.0, ""
    finally:
        clock(0)


if __name__ == "__main__":
    main(reply)
