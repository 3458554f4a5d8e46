r"""An answer as it is written, without what stands around it: bold, dollar signs, \text, quotation marks, a full stop."""

import re

PAIRS = (("***", "***"), ("**", "**"), ("__", "__"), ("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("`", "`"), ("*", "*"))
FENCE = re.compile(r"```[a-zA-Z0-9_+-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
WRAP = re.compile(r"\\(?:text|textbf|textit|textrm|texttt|mathrm|mathbf|mathit|mathsf|operatorname|mbox|emph|boxed|fbox|underline)\s*\{")
STYLE = re.compile(r"\\(?:displaystyle|textstyle|large|Large|LARGE|huge|bf|rm)(?![a-zA-Z])\s*")
# A power in code, not bold.
STARS = re.compile(r"(?<=[\w)])\*\*?(?=[\w(])|(?<=[\w)] )\*(?= )")
DEEP = 6


def tidy(answer: str) -> str:
    """The answer without decoration around it; what stands inside, and lines of a grid, stay as they are."""
    text = answer.strip()
    if len(text) < 24 and text.isalnum():
        return text
    for _ in range(DEEP):
        before, text = text, peeled(text)
        if text == before:
            break
    return text


def peeled(text: str) -> str:
    """One layer less."""
    if fence := FENCE.fullmatch(text):
        return fence[1].strip("\n").rstrip()
    for left, right in PAIRS:
        if text.startswith(left) and text.endswith(right) and len(text) > len(left) + len(right):
            inner = text[len(left) : -len(right)]
            rest = STARS.sub("", inner) if left[0] == "*" else inner
            if left not in rest and right not in rest:
                return inner.strip()
    if wrap := WRAP.match(text):
        inner = text[wrap.end() : -1]
        if text.endswith("}") and level(inner):
            return inner.strip()
    text = STYLE.sub("", text, count=1) if text.startswith("\\") else text
    # Marks of emphasis left over where a sentence was cut.
    if (text.startswith("**") and text.count("**") == 1) or (text.startswith("$") and text.count("$") == 1 and "\\" in text):
        text = text.lstrip("*$")
    elif text.endswith("**") and text.count("**") == 1:
        text = text.removesuffix("**")
    elif text.endswith("$") and text.count("$") == 1:
        text = text.removesuffix("$")
    if text.endswith((".", "。")) and not text.endswith("..") and not ABBREVIATED.search(text):
        text = text[:-1]
    return text.rstrip(" \t\r\n,;:").strip()


# p.m., U.S., and the like end with a dot of their own.
ABBREVIATED = re.compile(r"\b[A-Za-z]\.[A-Za-z]\.$|\betc\.$")


def level(text: str) -> bool:
    """Whether every brace in a text is closed in it."""
    depth = 0
    for sign in text:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return not depth
