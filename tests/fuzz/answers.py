"""What a model wrote, read for an answer: any text is one, or none."""

from fuzzing import fuzz, instrumented

with instrumented():
    from selftaught.answers.reading import gold_answer
    from selftaught.answers.spelling import canonical
    from selftaught.format import READINGS, Format

FORMATS = [Format(answer=answer) for answer in (*READINGS, r"answer: (.*)")]
SEEDS = [
    b"\0So 3 + 4 = 7.\n#### 7", rb"\1The answer is \boxed{\frac{1}{2}}.", b"\2<think>no</think> <answer>1,234.50 km</answer>",
    "\3\N{MINUS SIGN}\N{VULGAR FRACTION ONE HALF}\N{SUPERSCRIPT TWO} \N{DEGREE SIGN}".encode(), b"\4(B) because $x^{2}$",
    rb"\5\text{3 }\pi \cdot 10^{-3} \%",
]  # fmt: skip


def answers(data: bytes) -> None:
    """A text is read in every way, and what is read is written in one spelling."""
    text, numeric = data[1:].decode("utf-8", "replace"), bool(data[:1] and data[0] & 64)
    format = FORMATS[data[0] % len(FORMATS)] if data else FORMATS[0]
    found, spelled = format.extract(text, numeric), format.canonical(text, numeric)
    assert (found is None) == (spelled is None) and isinstance(found, str | None) and isinstance(spelled, str | None)
    assert isinstance(canonical(gold_answer(text)), str)


if __name__ == "__main__":
    fuzz(answers, SEEDS)
