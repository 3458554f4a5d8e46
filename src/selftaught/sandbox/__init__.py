"""Runs what nobody trusts: programs that a model wrote, behind walls of the kernel, with limits on all they can use."""

from selftaught.sandbox.box import KINDS, Sandbox, found, walls_for
from selftaught.sandbox.limits import Limits, Outcome

__all__ = ["KINDS", "Limits", "Outcome", "Sandbox", "found", "walls_for"]
