"""Layout: sequences as rows of a batch, with a prompt that several of them share standing there once.

Sequences that begin alike are laid out as a tree: the shared beginning, then what each goes on with. A mask lets a token
see its own sequence alone, so outputs and gradients are those of the sequences one by one (up to rounding).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selftaught.types import Bools, Ints

# Attention's cost grows with the square of a row, so rows are no longer than they must be.
ROW_TOKENS = 128
TREE_TOKENS = 512
ALIKE = 1.1


@dataclass(slots=True, eq=False)
class Tree:
    """Sequences with a shared beginning.

    Attributes:
        ids: of the distinct tokens, in the pieces sequences have added.
        paths: sequence index -> the tokens it is made of, in the order they were added.
        size: number of distinct tokens.
    """

    ids: list[Ints]
    paths: dict[int, NDArray[np.int64]]
    size: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch.

    Attributes:
        ids_B_T, at_B_T: i64, token ids (0 where padded) and positions.
        seen_B_T_T: bool, what each token may look at; None where that is all before it, or position tells sequences apart.
        items_M, spots_M: i64, which items (of all sequences end to end) the batch holds, and where in the flattened batch.
    """

    ids_B_T: NDArray[np.int64]
    at_B_T: NDArray[np.int64]
    seen_B_T_T: Bools | None
    items_M: NDArray[np.int64]
    spots_M: NDArray[np.int64]


def common(a: Ints, b: Ints) -> int:
    """Length of the beginning two sequences share."""
    n = min(len(a), len(b))
    differ = a[:n] != b[:n]
    return int(differ.argmax()) if differ.any() else n


def costs(sequences: Sequence[Ints]) -> list[int]:
    """Tokens each sequence adds when those that begin like the one before it share that beginning."""
    return [len(s) - (shared(sequences[i - 1], s) if i else 0) for i, s in enumerate(sequences)]


def shared(before: Ints, sequence: Ints) -> int:
    """How much of a sequence's beginning is worth sharing with the one before: all they have in common, or nothing."""
    n = common(before, sequence)
    return n if 4 * n >= len(sequence) else 0


def trees(sequences: Sequence[Ints]) -> list[Tree]:
    """Sequences that begin alike, together; a tree is closed when it has grown wide."""
    found: list[Tree] = []
    before = -1
    for i in sorted(range(len(sequences)), key=lambda i: sequences[i].tobytes()):
        ids = sequences[i]
        n = shared(sequences[before], ids) if before >= 0 else 0
        if not n or found[-1].size + len(ids) - n > TREE_TOKENS:
            found.append(Tree([], {}))
            n = 0
        tree = found[-1]
        start = tree.paths[before][:n] if n else np.zeros(0, np.int64)
        tree.paths[i] = np.concatenate([start, np.arange(tree.size, tree.size + len(ids) - n)])
        tree.ids.append(ids[n:])
        tree.size += len(ids) - n
        before = i
    return found


def lay_out(sequences: Sequence[Ints], packed: bool, sharing: bool) -> list[Batch]:
    """Batches of all sequences: one of even rows when several may share a row, else one a length.

    Args:
        sequences: token ids, all non-empty.
        packed: a row may hold several sequences.
        sharing: a row may hold a tree of them, told apart by a mask.
    """
    starts = np.cumsum([0, *map(len, sequences)])
    if not packed:
        batches = [[i for i, s in enumerate(sequences) if len(s) == n] for n in sorted({len(s) for s in sequences})]
        return [rows_of([[alone(i, sequences[i])] for i in batch], starts, masked=False) for batch in batches]
    whole = trees(sequences) if sharing else [alone(i, s) for i, s in enumerate(sequences)]
    total, longest = sum(t.size for t in whole), max(t.size for t in whole)
    # a row each where little is wasted: it needs no mask, for which attention has quicker kernels
    alike = len(whole) * longest <= ALIKE * total
    rows: list[list[Tree]] = [[] for _ in range(len(whole) if alike else -(-total // max(ROW_TOKENS, longest)))]
    filled = [0] * len(rows)
    for tree in sorted(whole, key=lambda tree: -tree.size):
        row = filled.index(min(filled))
        rows[row].append(tree)
        filled[row] += tree.size
    return [rows_of([row for row in rows if row], starts, masked=sharing)]


def alone(index: int, ids: Ints) -> Tree:
    """A tree of one sequence."""
    return Tree([ids], {index: np.arange(len(ids))}, len(ids))


def rows_of(rows: Sequence[Sequence[Tree]], starts: NDArray[np.int64], masked: bool) -> Batch:
    """The arrays of rows of trees; a mask is needed only where a row holds more than one sequence."""
    masked = masked and any(len(row) > 1 or len(row[0].paths) > 1 for row in rows)
    width = max(sum(tree.size for tree in row) for row in rows)
    longest = max((len(path) for row in rows for tree in row for path in tree.paths.values()), default=1)
    ids_B_T = np.zeros((len(rows), width), np.int64)
    at_B_T = np.tile(np.arange(width), (len(rows), 1))
    # a padded token sees itself, so that no row of the softmax is empty
    seen_B_T_T = np.tile(np.eye(width, dtype=np.bool_), (len(rows), 1, 1)) if masked else None
    items, spots = [], []
    for r, row in enumerate(rows):
        offset = 0
        for tree in row:
            ids_B_T[r, offset : offset + tree.size] = np.concatenate(tree.ids)
            done = 0
            for i, path in tree.paths.items():
                at_B_T[r, offset + path] = np.arange(len(path))
                if seen_B_T_T is not None and len(path) and path[-1] >= done:
                    first = int((path < done).sum())
                    new, end = done + offset, int(path[-1]) + 1 + offset
                    seen_B_T_T[r, new:end, path[:first] + offset] = True
                    seen_B_T_T[r, new:end, new:end] = np.tri(end - new, dtype=np.bool_)
                    done = end - offset
                items.append(np.arange(starts[i], starts[i] + len(path)))
                spots.append(path + offset + r * width)
            offset += tree.size
        # No position that no sequence has: a table of positions may end there.
        at_B_T[r, offset:] = np.minimum(np.arange(width - offset), longest - 1)
    return Batch(ids_B_T, at_B_T, seen_B_T_T, np.concatenate(items), np.concatenate(spots))
