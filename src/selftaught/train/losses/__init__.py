"""Pure functions of a batch's outputs and streams; each returns a sum and knows its global denominator."""

from selftaught.train.losses.latent import LatentRegression
from selftaught.train.losses.nll import NLL
from selftaught.train.losses.policy_gradient import PolicyGradient
from selftaught.train.losses.preference import DPO
from selftaught.train.losses.scaled_cosine import ScaledCosine
from selftaught.train.losses.value import ValueRegression

__all__ = ["DPO", "NLL", "LatentRegression", "PolicyGradient", "ScaledCosine", "ValueRegression"]
