"""Plans, and how attempts are made."""

from selftaught.explore.converse import Converse as Converse
from selftaught.explore.demonstrate import Demonstrate as Demonstrate
from selftaught.explore.frontier import Frontier as Frontier
from selftaught.explore.frontier import Ranking as Ranking
from selftaught.explore.frontier import Track as Track
from selftaught.explore.retry import Retry as Retry
from selftaught.explore.reword import Reword as Reword
from selftaught.explore.sample import Even as Even
from selftaught.explore.sample import Sample as Sample
from selftaught.explore.selfplay import SelfPlay as SelfPlay
from selftaught.explore.tree import TreeSearch as TreeSearch
from selftaught.explore.tuned import Balance as Balance
from selftaught.explore.tuned import Grid as Grid
from selftaught.explore.tuned import Settings as Settings
from selftaught.explore.tuned import Tuned as Tuned
from selftaught.explore.views import MaskedViews as MaskedViews
