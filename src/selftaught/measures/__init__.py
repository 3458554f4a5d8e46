"""Numbers about a model or a method, with the values they are the mean of."""

from selftaught.measures.agreement import Agreement as Agreement
from selftaught.measures.agreement import Anchor as Anchor
