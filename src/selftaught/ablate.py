"""--without PILLAR: a recipe with one pillar replaced by its plain form, everything else as it was."""

from dataclasses import replace

from selftaught.explore.sample import Even, Sample
from selftaught.parts import BadInput, nearest
from selftaught.recipe import Phase, Recipe
from selftaught.stages import Objective, Reflect
from selftaught.supervise.vote import CrossVote, Vote
from selftaught.supervise.winner import Winner
from selftaught.train.credit.kept import Kept
from selftaught.train.losses.nll import NLL

PILLARS = ("explore", "supervise", "reflect", "train")


def without(recipe: Recipe, pillar: str) -> Recipe:
    """The recipe without one pillar.

    explore: tasks drawn evenly and sampled as they are; supervise: a plain majority vote instead of every other
    score; reflect: no revision, critique or memory; train: likelihood on attempts rewarded above 0.5, and no
    generation is taken back. Raises BadInput for another word.
    """
    if pillar not in PILLARS:
        raise BadInput(f"--without {pillar}: {nearest(pillar, PILLARS)}")
    phases = tuple(plain(phase, pillar) for phase in recipe.phases)
    return replace(recipe, name=f"{recipe.name} without {pillar}", phases=phases)


def plain(phase: Phase, pillar: str) -> Phase:
    """One phase without a pillar."""
    if pillar == "explore":
        # With one wording only, views cannot check each other: the vote over all attempts takes their place.
        read = tuple(Vote() if isinstance(part, CrossVote) else part for part in phase.read)
        return replace(phase, plan=Even(tasks=phase.plan.tasks, n=phase.plan.n), explore=Sample(), read=read)
    if pillar == "supervise":
        kept = [part for part in phase.read if isinstance(part, Reflect)]
        # The vote comes before what looks back on it, and once more for attempts reflection has added.
        return replace(phase, read=(Vote(), *kept, Winner()))
    if pillar == "reflect":
        return replace(phase, read=tuple(part for part in phase.read if not isinstance(part, Reflect)))
    if not phase.objectives:
        return phase
    learn = Objective(loss=NLL(), optimizer=phase.objectives[0].optimizer)
    return replace(phase, credit=Kept(), objectives=(learn,), keep=None)
