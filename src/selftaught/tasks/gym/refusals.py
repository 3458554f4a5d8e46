"""Which reasoning-gym families are refused and why; written by `benchmarks/gym_families.py`."""

REFUSALS: dict[str, str] = {
    "advanced_geometry": "its checker pays an empty answer",
    "arc_agi": "its checker pays an empty answer",
    "boxnet": "it gives no answer to check against",
    "coin_flip": "its checker pays 0 where that is wrong",
    "color_cube_rotation": "its checker pays an empty answer",
    "composite": "it only mixes other families: name those",
    "countdown": "its checker pays an empty answer",
    "emoji_mystery": "its checker pays an empty answer",
    "fraction_simplification": "its checker pays an empty answer",
    "game_of_life_halting": "its checker pays any answer that is not empty",
    "graph_color": "it gives no answer to check against",
    "power_function": "its checker pays an empty answer",
    "prime_factorization": "its checker pays an empty answer",
    "propositional_logic": "it gives no answer to check against",
    "puzzle24": "its checker pays other tasks' answers",
    "rearc": "its checker pays an empty answer",
    "rubiks_cube": "it gives no answer to check against",
    "rush_hour": "it gives no answer to check against",
    "sentence_reordering": "its checker pays an empty answer",
}
# Their checkers run an answer as code.
EXECUTES: tuple[str, ...] = (
    "binary_matrix",
    "countdown",
    "intermediate_integration",
    "n_queens",
    "polynomial_multiplication",
    "puzzle24",
    "simple_integration",
    "spiral_matrix",
    "string_insertion",
)
# Their checkers do not come back from a tower of powers.
HANGS: tuple[str, ...] = (
    "binary_matrix",
    "countdown",
    "intermediate_integration",
    "n_queens",
    "polynomial_multiplication",
    "puzzle24",
    "simple_integration",
    "spiral_matrix",
    "string_insertion",
)
# Their own answer fails once spaces are squeezed to one line.
MANY_LINES: tuple[str, ...] = (
    "arc_agi",
    "binary_matrix",
    "emoji_mystery",
    "futoshiki",
    "kakurasu",
    "manipulate_matrix",
    "mini_sudoku",
    "modulo_grid",
    "n_queens",
    "pool_matrix",
    "rearc",
    "rotate_matrix",
    "sentence_reordering",
    "sudoku",
    "survo",
    "tower_of_hanoi",
)
