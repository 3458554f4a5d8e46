"""A process of its own for work that is killed. Not in conftest: folders below have one too, and the names clash."""

import os
import traceback


def forked(work):
    """Process id of a process that does the work and ends, with 0 when it went well."""
    if process := os.fork():
        return process
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
