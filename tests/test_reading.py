"""What is read from replies as models write them: a table of replies, each with its right value."""

import pytest

from selftaught.answers.reading import gold_answer
from selftaught.format import Format

# (reply, right value): tasks whose answer is a number; None where there is no answer.
NUMERIC = [
    ("#### 42", "42"),
    ("The answer is **42**.", "42"),
    ("Each box holds \\boxed{12}; three hold\n#### 36", "36"),
    ("#### 36\nLet me check: each box holds \\boxed{12}", "12"),
    ("<think>perhaps \\boxed{3}, no</think><answer>7</answer>", "7"),
    ("#### Step 2: add\n17+25=42\n\nThe answer is 42.", "42"),
    ("\\boxed{8}", "8"),
    ("#### 18 dollars", "18"),
    ("#### $1,234.50", "1234.5"),
    ("\\boxed{25\\%}", "25%"),
    ("#### −5", "-5"),
    ("The temperature is －５ degrees", "-5"),
    ("النتيجة هي ٤٢", "42"),
    ("\\boxed{\\dfrac{1}{2}}", "0.5"),
    ("\\boxed{\\frac12}", "0.5"),
    ("The answer is .5", "0.5"),
    ("The answer is 1e3.", "1000"),
    ("The total is 12,345.", "12345"),
    ("The total is 12\u202f345 people.", "12345"),
    ("So we get $12{,}345$.", "12345"),
    ("So we get $12\\,345$.", "12345"),
    ("It is 1_000_000.", "1000000"),
    ("It is 1'000'000.", "1000000"),
    ("The final answer is $\\boxed{12}$. I hope it is correct.", "12"),
    ("Final Answer: The final answer is $12$. I hope it is correct.", "12"),
    ("**Answer:** 12", "12"),
    ("**Answer: 12**", "12"),
    ("**Final Answer**\n\n\\[\n\\boxed{12}\n\\]", "12"),
    ("### Final Answer\n12", "12"),
    ("Answer = 12", "12"),
    ("To add, 3 + 4 = 7.\n\nThe answer is 3 + 4 = 7 apples.", "7"),
    ("The answer to the question is 24, since 4 times 6 is 25 minus 1.", "24"),
    ("First I thought the answer is 3. But no: the answer is 5.", "5"),
    ("You asked: \"Is the answer 9?\" No. The answer is 8.", "8"),
    ("The answer is not 9. It must be 8.", "8"),
    ("7 times 6 is 42.", "42"),
    ("First 7 * 6 = 42, then 42 + 8 = 50.", "50"),
    ("Tom has 13 books in all.", "13"),
    ("Sure! 7 + 8 = 15", "15"),
    ("**12**", "12"),
    ("$$x = 12$$", "12"),
    ("x = \\boxed{-3}", "-3"),
    ("\\boxed{x = 5}", "5"),
    ("\\boxed{5 \\text{ cm}}", "5"),
    ("\\boxed{1\\frac{1}{2}}", "1.5"),
    ("\\fbox{9}", "9"),
    ("the result is \\boxed 7", "7"),
    ("\\boxed{\\boxed{4}}", "4"),
    ("So \\boxed{5}. In general \\boxed{}", "5"),
    ("I put my final answer within \\boxed{}. 3+4=7", "7"),
    ("so \\boxed{5} and, once more, \\boxed{12", "5"),
    ("\\boxed{2\\sqrt{49}}", "2\\sqrt{49}"),
    ("\\boxed{3^2}", "3^2"),
    ("\\boxed{1,2}", "1, 2"),
    # Base models: what they go on writing is not the answer.
    (" 313\n\n12+45+2=59\n3+4=7", "313"),
    (" 12\n\nQuestion: What is 5 plus 6?\nAnswer: 11", "12"),
    ("3+4=7\nQ: 8+9\nA: 17", "7"),
    ("The answer is 7.\n\nProblem 2: What is 5 plus 5?\nThe answer is 10.", "7"),
    ("7<|im_end|>\n<|im_start|>user\nWhat is 8+1?<|im_end|>\n<|im_start|>assistant\n9", "7"),
    ("7\nHuman: and 8+1?\nAssistant: 9", "7"),
    # Question repeated first: nothing stands before it.
    ("\nQuestion: What is 5 plus 6?\nAnswer: 11", "11"),
    ("Question: What is 5 plus 6?\nAnswer: 11", "11"),
    # Thinking.
    ("<think>\n7*6 is 40... no, 42\n</think>\n\n7 times 6 is 42.", "42"),
    ("<think>first it is 40", None),
    ("Okay, 40? no.\n</think>\nThe answer is 42", "42"),
    ("<thinking>The answer is 3</thinking>\n4", "4"),
    ("<think>The answer is 3</think>", None),
    ("analysis 3<|channel|>final<|message|>4", "4"),
    ("◁think▷3◁/think▷4", "4"),
    ("I do not know.", None),
    ("", None),
    ("#### ", None),
    ("The answer is unclear, but 3 + 4 = 7", "7"),
]  # fmt: skip

# Tasks whose answer may be anything.
WORDS = [
    ("So the value is $\\boxed{\\frac{\\sqrt{3}}{2}}$.", "\\frac{\\sqrt{3}}{2}"),
    ("\\boxed{\\frac{\\sqrt{\\frac{a}{b^{2}}}}{2}}", "\\frac{\\sqrt{\\frac{a}{b^2}}}{2}"),
    ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
    ("#### (1,2)", "(1, 2)"),
    ("\\boxed{\\left(1, 2\\right)}", "(1, 2)"),
    ("\\boxed{\\text{(B)}}", "B"),
    ("The answer is true.", "True"),
    ("The answer is Yes.", "Yes"),
    ("Answer: **yes**", "Yes"),
    ("**Answer:** Paris", "paris"),
    ("The correct answer is Paris, which is in France.", "paris"),
    ("The answer is Dr. Watson. He wrote it.", "dr. watson"),
    ("The answer is Grace is a sinner, and Logan is a sinner.", "grace is a sinner, and logan is a sinner"),
    ("The answer is RUN BECAUSE.", "RUN BECAUSE"),
    ("The answer is 1.5 2\n3 4.", "1.5 2 3 4"),
    ("**" + "ab " * 40 + "c**", "ab " * 40 + "c"),
    ("The answer is J. K. Rowling.", "J. K. rowling"),
    ("The answer is: `cba`", "cba"),
    ("The answer is \"hello\".", "hello"),
    ("<answer>\n1 2\n3 4\n</answer>", "1 2 3 4"),
    ("<answer>Madrid", "madrid"),
    ("<answer>The answer is Madrid.</answer>", "madrid"),
    ("Paris", "paris"),
    (" Paris.\n", "paris"),
    (" Paris\n\nQuestion: What is the capital of Spain?\nAnswer: Madrid", "paris"),
    ("The city on the Seine, which I have seen many times, is in France.\nIts capital, and so on.", None),
    ("x" * 81, None),
    ("\\boxed{x^2 + 1}", "x^2+1"),
    ("\\boxed{5 \\text{ cm}}", "5 centimeter"),
    ("\\boxed{90^\\circ}", "90 degrees"),
    ("The answer is 50%", "50%"),
    ("The answer is 3:45 p.m. on Monday", "3:45 p.m. on Monday"),
    ("#### 3 4 5", "3 4 5"),
    ("The answer is as follows:\n\n[1, 2]", "[1, 2]"),
    ("My answer to part (a) is x+1.", "x+1"),
    ("<think>a</think>\n\nParis", "paris"),
    ("Put your answer in <answer> </answer>\nParis", None),
]  # fmt: skip

CHOICES = [
    ("(B)", "B"), ("B.", "B"), ("**B**", "B"), ("b", "B"), ("Option B", "B"), ("B) Paris", "B"),
    ("The correct answer is B because it is so.", "B"),
    ("Answer: **B**", "B"), ("The answer is (C) Madrid.", "C"), ("The answer is B. Paris is the capital.", "B"), ("\\boxed{\\text{D}}",
    "D"),
    ("\\boxed{D}", "D"), ("I think that option A is right, so A.", "A"), ("A is wrong. B is wrong. So it is C.", "C"),
    ("**Answer:** (D)", "D"),
    ("Let us see.\nTherefore, the correct option is C", "C"), ("<think>A?</think>B", "B"), ("The best choice is (A).", "A"),
    ("Answer: B\n\nQuestion: next?\nAnswer: C", "B"), ("A cat is an animal", None), ("I do not know", None), ("#### E", "E"),
    ("The answer is Option (B): Paris", "B"), ("$\\boxed{\\textbf{(A)}\\ 12}$", "A"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "right"), NUMERIC)
def test_numbers(reply, right):
    assert Format().canonical(reply, numeric=True) == right


@pytest.mark.parametrize(("reply", "right"), WORDS)
def test_words(reply, right):
    assert Format().canonical(reply) == right


@pytest.mark.parametrize(("reply", "right"), CHOICES)
def test_letters(reply, right):
    assert Format(answer="choice").canonical(reply) == right


@pytest.mark.parametrize(
    ("cell", "right"),
    [
        ("42", "42"), ("#### 42", "42"), ("She has 3+4=<<3+4=7>>7 left.\n#### 7", "7"),
        ("We add: $3+5=8$, so the answer is $\\boxed{8}$.", "8"),
        ("word " * 900 + "The total is $\\boxed{\\frac{1}{2}}$, as claimed", "\\frac{1}{2}"), ("Paris", "Paris"), ("1 2\n3 4", "1 2\n3 4"),
        ("A long text without any mark. " * 9, ("A long text without any mark. " * 9).strip()),
    ],
)  # fmt: skip
def test_golds_are_read_as_replies_are(cell, right):
    assert gold_answer(cell) == right
