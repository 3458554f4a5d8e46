"""From scores to weights: what is selected, credited, learned and followed."""

from selftaught.train.credit.distilled import Distilled as Distilled
from selftaught.train.credit.everything import Everything as Everything
from selftaught.train.credit.group_centred import GroupCentred as GroupCentred
from selftaught.train.credit.joined import Joined as Joined
from selftaught.train.credit.kept import Kept as Kept
from selftaught.train.credit.off_context import OffContext as OffContext
from selftaught.train.credit.pairs import Pairs as Pairs
from selftaught.train.credit.role_baseline import Baseline as Baseline
from selftaught.train.credit.role_baseline import Returns as Returns
from selftaught.train.credit.role_baseline import RoleBaseline as RoleBaseline
from selftaught.train.credit.step_values import StepValues as StepValues
from selftaught.train.credit.turns import Turns as Turns
from selftaught.train.losses.anchor_kl import AnchorKL as AnchorKL
from selftaught.train.losses.distillation import TopDistillation as TopDistillation
from selftaught.train.losses.latent import LatentRegression as LatentRegression
from selftaught.train.losses.nll import NLL as NLL
from selftaught.train.losses.policy_gradient import PolicyGradient as PolicyGradient
from selftaught.train.losses.preference import DPO as DPO
from selftaught.train.losses.scaled_cosine import ScaledCosine as ScaledCosine
from selftaught.train.losses.value import ValueRegression as ValueRegression
from selftaught.train.optim import AdamW as AdamW
from selftaught.train.prefix import Prefix as Prefix
from selftaught.train.select.above import Above as Above
from selftaught.train.select.band import Band as Band
from selftaught.train.select.signal import Signal as Signal
from selftaught.train.updates.average import Average as Average
