"""Scores for attempts, and which attempt is the reply."""

from selftaught.supervise.check import Gold as Gold
from selftaught.supervise.check import OwnKey as OwnKey
from selftaught.supervise.check import Rule as Rule
from selftaught.supervise.decide import Best as Best
from selftaught.supervise.decide import First as First
from selftaught.supervise.decide import Last as Last
from selftaught.supervise.decide import Majority as Majority
from selftaught.supervise.judge import Judge as Judge
from selftaught.supervise.likelihood import Likelihood as Likelihood
from selftaught.supervise.path_consistency import PathConsistency as PathConsistency
from selftaught.supervise.privileged_judge import PrivilegedJudge as PrivilegedJudge
from selftaught.supervise.proposals import Answerable as Answerable
from selftaught.supervise.proposals import Stumped as Stumped
from selftaught.supervise.share import Share as Share
from selftaught.supervise.spurious import ConstantVote as ConstantVote
from selftaught.supervise.spurious import Count as Count
from selftaught.supervise.spurious import FormatOnly as FormatOnly
from selftaught.supervise.spurious import LengthReward as LengthReward
from selftaught.supervise.spurious import RandomReward as RandomReward
from selftaught.supervise.spurious import ShuffledVotes as ShuffledVotes
from selftaught.supervise.spurious import Tally as Tally
from selftaught.supervise.spurious import YesJudge as YesJudge
from selftaught.supervise.step_values import InferredValues as InferredValues
from selftaught.supervise.vote import CrossVote as CrossVote
from selftaught.supervise.vote import Vote as Vote
from selftaught.supervise.winner import Winner as Winner
