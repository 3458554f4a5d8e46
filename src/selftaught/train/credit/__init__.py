"""Scores become streams over items, which losses read."""

from selftaught.train.credit.distilled import Distilled
from selftaught.train.credit.group_centred import GroupCentred
from selftaught.train.credit.kept import Kept
from selftaught.train.credit.pairs import Pairs
from selftaught.train.credit.role_baseline import Baseline, RoleBaseline
from selftaught.train.credit.step_values import StepValues

__all__ = ["Baseline", "Distilled", "GroupCentred", "Kept", "Pairs", "RoleBaseline", "StepValues"]
