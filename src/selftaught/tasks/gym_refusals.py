"""Which reasoning-gym families are refused and why; written by `benchmarks/gym_families.py`."""

REFUSALS: dict[str, str] = {
    "composite": "it only mixes other families: name those",
    "boxnet": "has no answer to check against",
    "graph_color": "has no answer to check against",
    "propositional_logic": "has no answer to check against",
    "rubiks_cube": "has no answer to check against",
    "rush_hour": "has no answer to check against",
    "puzzle24": "its checker pays other tasks' answers",
    "game_of_life_halting": "its checker pays other tasks' answers",
}
EXECUTES: tuple[str, ...] = ()
