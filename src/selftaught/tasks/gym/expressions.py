"""Reads an answer of reasoning-gym that is an expression, as its checkers do, without running it.

Those checkers hand an answer to sympy's `parse_expr`, which is `eval`. Here the text is parsed, and a walk over what it
consists of builds the same expression: numbers, symbols, seven signs and functions from a list. Anything else is wrong,
and so is what would not come back (a tower of powers).
"""

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

# Most characters of an expression, digits of a number, bits of a power's value, and degree of a power.
LONGEST = 4000
DIGITS = 60
BITS = 4096
DEGREE = 512
FUNCTIONS = (
    "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot", "asec", "acsc", "sinh", "cosh", "tanh", "coth", "sech",
    "csch", "asinh", "acosh", "atanh", "acoth", "asech", "acsch", "exp", "log", "ln", "sqrt", "cbrt", "Abs", "sign", "erf", "erfc", "erfi",
    "Si", "Ci", "Ei", "li", "Rational", "Integral", "Add", "Mul",
)  # fmt: skip
CONSTANTS = ("pi", "E", "I", "oo", "zoo", "nan", "EulerGamma", "GoldenRatio")
INTEGER = re.compile(r"\d+")
# How countdown finds the numbers that were used, and when a result is the target.
LITERAL = re.compile(r"\b\d+\b")
NEAR, NEARER = 1e-6, 1e-5
Names = Mapping[str, Any]


@lru_cache(maxsize=1)
def known() -> tuple[dict[str, Any], dict[str, Any], frozenset[str]]:
    """(functions by name, constants by name, names that mean something else to sympy or Python)."""
    import builtins

    import sympy

    functions = {name: getattr(sympy, name) for name in FUNCTIONS} | {"abs": sympy.Abs}
    constants = {name: getattr(sympy, name) for name in CONSTANTS}
    return functions, constants, frozenset(vars(sympy)) | frozenset(vars(builtins))


def expression(text: str, symbols: Names = {}) -> Any:  # noqa: B006
    """The sympy expression a text spells; `symbols` go before sympy's own names.

    Raises ValueError where it is none, too long, or would not come back.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError("too long")
    try:
        return Reading(text, symbols).value(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError, AttributeError, ArithmeticError, MemoryError, RecursionError):
        raise ValueError("no expression") from None


class Reading:
    """One text on its way to an expression."""

    def __init__(self, text: str, symbols: Names) -> None:
        self.text, self.symbols = text, symbols

    def value(self, node: ast.expr) -> Any:
        """What a node of the parsed text means; raises ValueError where it means nothing here."""
        match node:
            case ast.Constant(value=bool()):
                raise ValueError("a truth value is no number")
            case ast.Constant(value=int() | float()):
                return self.number(ast.get_source_segment(self.text, node) or "")
            case ast.Name(id=name):
                return self.symbol(name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self.value(inner)
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return +self.value(inner)
            case ast.BinOp(left=left, op=sign, right=right):
                return combined(self.value(left), sign, self.value(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.called(name, [self.value(one) for one in args])
        raise ValueError("not part of an expression")

    def number(self, digits: str) -> Any:
        """A decimal number as sympy reads it: exact without a point, as precise as written with one."""
        import sympy

        if len(digits) > DIGITS:
            raise ValueError("too many digits")
        if INTEGER.fullmatch(digits):
            return sympy.Integer(digits)
        if "e" in digits.lower() and abs(int(digits.lower().partition("e")[2])) > DIGITS:
            raise ValueError("too large or too small")
        return sympy.Float(digits)

    def symbol(self, name: str) -> Any:
        """A symbol of the question, a constant, or any other name that stands for nothing yet."""
        import sympy

        _, constants, taken = known()
        if name in self.symbols:
            return self.symbols[name]
        if name in constants:
            return constants[name]
        if name in taken:
            raise ValueError("the name of something else")
        return sympy.Symbol(name)

    def called(self, name: str, values: list[Any]) -> Any:
        """A function from the list of some values; one that nobody knows stays as it is written."""
        import sympy

        functions, constants, taken = known()
        if name in functions:
            return functions[name](*values)
        if name in taken or name in constants or name in self.symbols:
            raise ValueError("not a function of an expression")
        return sympy.Function(name)(*values)


def combined(left: Any, sign: ast.operator, right: Any) -> Any:
    """Two expressions and the sign between them; raises ValueError where a power would be out of all bounds."""
    match sign:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.FloorDiv():
            return left // right
        case ast.Mod():
            return left % right
        case ast.Pow():
            if right.is_number and not bounded(left, right):
                raise ValueError("a power out of all bounds")
            return left**right
    raise ValueError("a sign that no expression has")


def bounded(base: Any, exponent: Any) -> bool:
    """Whether a power with a number for an exponent can be written down."""
    if not (exponent.is_Rational or exponent.is_Float):
        return not any(number.p.bit_length() > DIGITS for number in exponent.atoms() if number.is_Rational)
    if abs(exponent) > DEGREE:
        return False
    largest = max((max(abs(number.p), number.q).bit_length() for number in base.atoms() if number.is_Rational), default=1)
    return not base.is_number or bool(largest * max(abs(exponent), 1) <= BITS)


def integral(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for an expression whose derivative is the integrand, else 0."""
    import sympy

    variable = entry["metadata"]["variable"]
    x = sympy.Symbol(variable)
    try:
        found = sympy.diff(expression(answer, {variable: x, "C": sympy.Symbol("C")}), x)
        asked = sympy.parse_expr(entry["metadata"]["integrand"], local_dict={variable: x})
        return float(sympy.simplify(found - asked) == 0)
    # sympy raises errors of many kinds on what it cannot simplify.
    except Exception:
        return 0.0


def product(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for the polynomial, multiplied out, else 0."""
    import sympy

    try:
        return float(expression(answer) == sympy.parse_expr(entry["answer"]))
    except ValueError:
        return 0.0


def countdown(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for an expression of the given numbers that makes the target, 0.05 for another, 0.01 for none."""
    if not answer.strip():
        return 0.01
    try:
        made = float(expression(answer))
    except (ValueError, TypeError):
        return 0.01
    used = sorted(int(digits) for digits in LITERAL.findall(answer))
    given, target = entry["metadata"]["numbers"], entry["metadata"]["target"]
    return 1.0 if used == sorted(given) and abs(made - target) <= NEAR + NEARER * abs(target) else 0.05


def puzzle24(answer: str, entry: Mapping[str, Any]) -> float:
    """1 for an expression of four numbers of the puzzle's size that makes 24, else 0.01."""
    low, high = entry["metadata"]["difficulty"]["value"]
    try:
        made = int(expression(answer))
    except (ValueError, TypeError):
        return 0.01
    used = [int(digits) for digits in LITERAL.findall(answer)]
    return 1.0 if made == 24 and len(used) == 4 and all(low <= number <= high for number in used) else 0.01
