"""Numbers about a model or a method, with the values they are the mean of."""

from selftaught.measures.agreement import Agreement as Agreement
from selftaught.measures.agreement import Anchor as Anchor
from selftaught.measures.exploited import Exploitability as Exploitability
from selftaught.measures.in_context import InContext as InContext
from selftaught.measures.judging import Judging as Judging
from selftaught.measures.keys import Proposed as Proposed
from selftaught.measures.keys import WrongKeys as WrongKeys
from selftaught.measures.node_probe import NodeProbe as NodeProbe
from selftaught.measures.probe import FeatureVariance as FeatureVariance
from selftaught.measures.probe import Probe as Probe
from selftaught.measures.replies import Replies as Replies
from selftaught.measures.reply import ReplyRight as ReplyRight
from selftaught.measures.right import Right as Right
from selftaught.measures.right import RightAtBest as RightAtBest
from selftaught.measures.right import RightOnce as RightOnce
from selftaught.measures.right import VoteRight as VoteRight
from selftaught.measures.second_turn import AnswerMended as AnswerMended
from selftaught.measures.second_turn import FirstAnswer as FirstAnswer
from selftaught.measures.second_turn import SecondAnswer as SecondAnswer
from selftaught.measures.stream import LastQuarter as LastQuarter
from selftaught.measures.weights import WeightsChanged as WeightsChanged
