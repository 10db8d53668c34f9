r"""Expressions as trees, read from plain text and from the usual LaTeX by a parser of our own, linear and bounded.

Nothing is evaluated on the way but exponents and factorials, exactly and within limits, so that `9^9^9` is refused
and never computed. A tree is nested tuples:

    ("n", p, q)  the number p/q in lowest terms       ("s", name)  a symbol       ("c", "pi" | "e" | "i")
    ("+", a, b, ...)   ("*", a, b, ...)   ("neg", a)   ("inv", a): 1/a   ("^", a, b)   ("f", name, a)   ("root", n, a)

Conventions: `1/2x` is read from left to right, (1/2) x; `2\frac{1}{2}` of whole numbers is a mixed number; `log` is
the natural logarithm; `sin^2 x` is (sin x)^2 and `sin^{-1}` the inverse; `e` and `i` are the constants unless they are
declared as symbols; `x_{12}` is one symbol; a degree is pi/180.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction
from math import comb, factorial
from typing import Any, NoReturn, TypeAlias

Tree: TypeAlias = tuple[Any, ...]

LENGTH = 1024
"""Characters of an expression."""
DEPTH = 12
"""Brackets, exponents and functions within each other."""
DIGITS = 30
"""Digits of a number."""
EXPONENT = 1000
"""Largest constant exponent, of numerator and denominator."""
DEGREE = 100_000
"""Bound of the degree of numerator and denominator of an expression without roots and functions."""
BITS = 20_000
"""Bound of the size of a number that the expression spells, such as 2^{1000}."""
SLACK = 6
"""How much longer and deeper the text of `text_of` may be than what it was made from, which writes every bracket."""
HEIGHT = 3
"""Exponents that are no constants within each other, exp and its kin included."""

FUNCTIONS = frozenset(
    {
        *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
        *("exp", "ln", "abs"),
    }
)
_ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "log": "ln", "cosec": "csc"}
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Phi", "Psi", "Omega"),
)
_LETTERS = dict(zip("αβγδεζηθικλμνξρστυφχψωΓΔΘΛΞΣΦΨΩ", _GREEK, strict=True)) | {"π": "pi", "ϕ": "phi", "ϵ": "epsilon"}
_WORDS = FUNCTIONS | set(_ALIASES) | set(_GREEK) | {"pi", "sqrt", "cbrt", "lg"}
_LONGEST_WORD = max(map(len, _WORDS))

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_SPELLING = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2013", "-"),
        **dict.fromkeys("×·⋅∙∗", "*"),
        **dict.fromkeys("÷∕⁄", "/"),
        **dict.fromkeys("\u00a0\u2009\u202f\u2062\t\n\r", " "),
        **{letter: f"\\{name} " for letter, name in _LETTERS.items()},
        "√": "\\sqrt ",
        "∛": "\\cbrt ",
        "∞": "\\infty ",
        "°": "\\degree ",
    }
)
_SHORT_FRAC = re.compile(r"\\[dt]?frac\s*([0-9])\s*([0-9])(?![0-9])")
_SHORT_ROOT = re.compile(r"\\sqrt\s*([0-9])(?![0-9])")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3}){1,9}(?![0-9,])")
_TOKEN = re.compile(
    r"\s*(?:([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"|\\([A-Za-z]+|[,;:! {}|])|([A-Za-z]+)|(\*\*|[-+*/^!_|,()\[\]{}]))"
)
_IGNORED = frozenset(
    {*",;:! ", "left", "right", "displaystyle", "big", "Big", "bigg", "Bigg", "quad", "limits", "bigl", "bigr"}
)


class NotRead(ValueError):
    """The text is no expression that can be read, or one beyond the limits."""


class _Reader:
    """Recursive descent over the tokens: about 6 frames for each bracket."""

    def __init__(self, tokens: list[tuple[str, str]], symbols: Collection[str], slack: int) -> None:
        self.tokens, self.at, self.depth, self.symbols = tokens, 0, 0, symbols
        self.deepest, self.digits = DEPTH * slack, DIGITS if slack == 1 else LENGTH * slack
        self.bars = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def next(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def fail(self) -> NoReturn:
        raise NotRead(f"unexpected {self.peek()[1]!r:.20}")

    def expect(self, kind: str) -> None:
        if self.next()[0] != kind:
            self.at -= 1
            self.fail()

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > self.deepest:
            raise NotRead("nested too deeply")
        terms = [self.signed()]
        while self.peek()[0] in ("+", "-"):
            terms.append(self.signed())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else ("+", *terms)

    def signed(self) -> Tree:
        negative = False
        while self.peek()[0] in ("+", "-"):
            negative ^= self.next()[0] == "-"
        term = self.product()
        return ("neg", term) if negative else term

    def product(self) -> Tree:
        factors = [self.power()]
        while True:
            kind, _ = self.peek()
            if kind in ("*", "/"):
                self.next()
                negative = False
                while self.peek()[0] in ("+", "-"):
                    negative ^= self.next()[0] == "-"
                factor = self.power()
                factor = ("neg", factor) if negative else factor
                factors.append(("inv", factor) if kind == "/" else factor)
            elif kind in ("num", "name", "cmd", "(", "[", "{") or (kind == "|" and not self.bars):
                if kind == "num":  # `x2`, `2 3`: nobody can say what is meant
                    self.fail()
                mixed = kind == "cmd" and self.peek()[1] == "frac" and self.tokens[self.at - 1][0] == "num"
                factor = self.power()
                last = factors[-1]
                if mixed and last[0] == "n" and last[2] == 1 and _plain_fraction(factor):
                    factors[-1] = ("+", last, factor)
                else:
                    factors.append(factor)
            else:
                break
        return factors[0] if len(factors) == 1 else ("*", *factors)

    def power(self) -> Tree:
        base = self.postfix(self.atom())
        if self.peek()[0] != "^":
            return base
        self.next()
        if self.peek() == ("cmd", "degree"):
            return self.postfix(base)
        return self.postfix(_power(base, self.exponent()))

    def exponent(self) -> Tree:
        self.depth += 1
        if self.depth > self.deepest:
            raise NotRead("nested too deeply")
        negative = False
        while self.peek()[0] in ("+", "-"):
            negative ^= self.next()[0] == "-"
        raised = self.power()
        self.depth -= 1
        return ("neg", raised) if negative else raised

    def postfix(self, tree: Tree) -> Tree:
        while True:
            if self.peek()[0] == "!":
                self.next()
                tree = _factorial(tree)
            elif self.peek() == ("cmd", "degree"):
                self.next()
                tree = ("*", tree, ("c", "pi"), ("n", 1, 180))
            else:
                return tree

    def atom(self) -> Tree:
        kind, text = self.next()
        if kind == "num":
            return _number(text, self.digits)
        if kind in ("(", "[", "{"):
            inner = self.inside()
            self.expect({"(": ")", "[": "]", "{": "}"}[kind])
            return inner
        if kind == "|":
            self.bars += 1
            inner = self.sum()
            self.expect("|")
            self.bars -= 1
            return ("f", "abs", inner)
        if kind == "cmd":
            return self.command(text)
        if kind != "name":
            self.at -= 1
            self.fail()
        return self.name(text)

    def inside(self) -> Tree:
        """What stands in brackets, where a bar opens again."""
        bars, self.bars = self.bars, 0
        tree = self.sum()
        self.bars = bars
        return tree

    def group(self) -> Tree:
        """An argument in braces, or one atom."""
        if self.peek()[0] == "{":
            self.next()
            tree = self.inside()
            self.expect("}")
            return tree
        return self.atom()

    def command(self, text: str) -> Tree:
        if text in ("frac", "dfrac", "tfrac"):
            above, below = self.group(), self.group()
            return ("*", above, ("inv", below))
        if text in ("binom", "dbinom", "tbinom"):
            n, k = _whole(self.group()), _whole(self.group())
            if not 0 <= k <= n <= EXPONENT:
                raise NotRead("a binomial coefficient beyond the limits")
            return ("n", comb(n, k), 1)
        return self.name(text)

    def name(self, text: str) -> Tree:
        if text in self.symbols:
            return self.subscripted(text)
        if text == "sqrt":
            degree = 2
            if self.peek()[0] == "[":
                self.next()
                degree = _whole(self.inside())
                self.expect("]")
                if not 2 <= degree <= EXPONENT:
                    raise NotRead("a root beyond the limits")
            return ("root", degree, self.argument())
        if text == "cbrt":
            return ("root", 3, self.argument())
        if text in ("lg", "log", "ln") or text in FUNCTIONS or text in _ALIASES:
            return self.function(_ALIASES.get(text, text), text)
        if text in ("pi", "e", "i"):
            return ("c", text)
        if len(text) == 1 or text in _GREEK:
            return self.subscripted(text)
        raise NotRead(f"{text!r:.20} is not known")

    def subscripted(self, name: str) -> Tree:
        if self.peek()[0] != "_":
            return ("s", name)
        self.next()
        kind, text = self.next()
        if kind == "{":
            kind, text = self.next()
            self.expect("}")
        if kind not in ("num", "name") or "." in text:
            raise NotRead("a subscript is a number or a letter")
        return ("s", f"{name}_{text}")

    def function(self, name: str, spelled: str) -> Tree:
        base: Tree | None = ("n", 10, 1) if spelled == "lg" else None
        name = "ln" if spelled == "lg" else name
        if self.peek()[0] == "_" and spelled == "log":
            self.next()
            base = self.group()
        power: Tree | None = None
        if self.peek()[0] == "^":
            self.next()
            power = self.group() if self.peek()[0] == "{" else self.exponent()
        if power == ("neg", ("n", 1, 1)):
            if name not in _INVERSES:
                raise NotRead("what is the inverse of this function?")
            name, power = _INVERSES[name], None
        value: Tree = ("f", name, self.argument())
        if base is not None:
            value = ("*", value, ("inv", ("f", "ln", base)))
        return value if power is None else _power(value, power)

    def argument(self) -> Tree:
        """That in the brackets which follow, or else the factors written after each other: `sin 2x`."""
        self.depth += 1
        if self.depth > self.deepest:
            raise NotRead("nested too deeply")
        kind, text = self.peek()
        if kind in ("(", "[", "{", "|"):
            tree = self.atom()
        else:
            factors: list[Tree] = []
            while True:
                kind, text = self.peek()
                is_function = kind in ("name", "cmd") and (
                    text in FUNCTIONS or text in _ALIASES or text in ("sqrt", "lg", "cbrt")
                )
                known = kind in ("num", "name", "cmd") and not (kind == "num" and factors)
                if not known or (is_function and factors):
                    break
                factors.append(self.power())
            if not factors:
                self.fail()
            tree = factors[0] if len(factors) == 1 else ("*", *factors)
        self.depth -= 1
        return tree


def parse(text: str, symbols: Collection[str] = ()) -> Tree:
    """The tree of an expression.

    Args:
        text: up to `LENGTH` characters.
        symbols: names that are symbols whatever else they could mean: `e`, `i`, and words of several letters.

    Raises:
        NotRead: it cannot be read, or goes beyond a limit.
    """
    return _read_all(_tokens(text, symbols, 1), symbols, 1)


def parse_items(text: str, symbols: Collection[str] = (), slack: int = 1) -> tuple[str, list[Tree]]:
    r"""The brackets and the parts of a tuple `(a, b)`, an interval `[a, b)` or a set `\{a, b\}`; `""` of anything else.

    An interval's ends may be infinite: then they read as the symbols `oo` and its negative.

    Args:
        text: as for `parse`.
        symbols: as for `parse`.
        slack: `SLACK` for texts of `text_of`.

    Raises:
        NotRead: it cannot be read, or goes beyond a limit.
    """
    tokens = _tokens(text, symbols, slack)
    if not tokens:
        raise NotRead("nothing")
    first, last = tokens[0][0], tokens[-1][0]
    if first not in ("(", "[", "{", "\\{") or last not in (")", "]", "}", "\\}"):
        return "", [_read_all(tokens, symbols, slack)]
    level, cuts = 0, [0]
    for at, (kind, _) in enumerate(tokens):
        level += (kind in ("(", "[", "{", "\\{")) - (kind in (")", "]", "}", "\\}"))
        if level == 0 and at < len(tokens) - 1:
            return "", [_read_all(tokens, symbols, slack)]  # such as (a+b)(c+d)
        if kind == "," and level == 1:
            cuts.append(at)
    braces = (first in ("{", "\\{"), last in ("}", "\\}"))
    if len(cuts) == 1 and first != "\\{":
        return "", [_read_all(tokens, symbols, slack)]
    if len(set(braces)) > 1 or (first + last in ("[)", "(]") and len(cuts) != 2) or len(cuts) > 16:
        raise NotRead("brackets that do not belong together")
    parts = [tokens[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], len(tokens) - 1], strict=True)]
    return "{}" if braces[0] else first + last, [_end(part, symbols, slack) for part in parts]


def _end(tokens: list[tuple[str, str]], symbols: Collection[str], slack: int) -> Tree:
    sign = [text for kind, text in tokens if kind in "+-"]
    rest = [token for token in tokens if token[0] not in "+-"]
    if rest == [("cmd", "infty")] and len(sign) <= 1 and tokens[-1] == rest[0]:
        return ("neg", ("s", "oo")) if sign == ["-"] else ("s", "oo")
    return _read_all(tokens, symbols, slack)


def _read_all(tokens: list[tuple[str, str]], symbols: Collection[str], slack: int) -> Tree:
    reader = _Reader(tokens, symbols, slack)
    tree = reader.sum()
    if reader.at != len(tokens):
        reader.fail()
    degree, bits, height = _size(tree)
    if degree > DEGREE or bits > BITS or height > HEIGHT:
        raise NotRead("beyond the limits")
    return tree


def _tokens(text: str, symbols: Collection[str], slack: int) -> list[tuple[str, str]]:
    if not 0 < len(text) <= LENGTH * slack:
        raise NotRead("empty or too long")
    if not text.isascii():
        text = _RAISED.sub(lambda m: f"^({m[0].translate(_SUPERSCRIPTS)})", text).translate(_SPELLING)
    text = text.replace("{,}", ",").replace("^\\circ", "\\degree ").replace("^{\\circ}", "\\degree ")
    if not any(char in text for char in "([{|"):
        text = _THOUSANDS.sub(lambda m: m[0].replace(",", ""), text)
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _SHORT_FRAC.sub(r"\\frac{\1}{\2}", text)).rstrip()
    out: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotRead(f"unexpected {text[at]!r}")
        at = found.end()
        number, command, word, operator = found.groups()
        if number is not None:
            out.append(("num", number))
        elif command is not None:
            if command in ("cdot", "times", "ast"):
                out.append(("*", "*"))
            elif command == "div":
                out.append(("/", "/"))
            elif command in ("{", "}"):
                out.append((f"\\{command}", command))
            elif command in ("|", "lvert", "rvert", "vert"):
                out.append(("|", "|"))
            elif command not in _IGNORED:
                out.append(("cmd", {"varepsilon": "epsilon", "varphi": "phi"}.get(command, command)))
        elif word is not None:
            out += [("name", name) for name in _names(word, symbols)]
        else:
            out.append(("^", "^") if operator == "**" else (operator, operator))
    return out


def _names(word: str, symbols: Collection[str]) -> list[str]:
    """The names that letters written together spell: the longest known one each time, else a single letter."""
    longest = max([_LONGEST_WORD, *map(len, symbols)])
    out, at, single = [], 0, 0
    while at < len(word):
        for end in range(min(len(word), at + longest), at, -1):
            name = word[at:end]
            if end == at + 1 or name in symbols or name in _WORDS:
                out.append(name)
                single += end == at + 1
                break
        at = end
    if single > 4:
        raise NotRead(f"{word!r:.20} is not known")
    return out


def _number(text: str, digits: int) -> Tree:
    whole, _, part = text.partition(".")
    if len(whole) + len(part) > digits:
        raise NotRead("too many digits")
    value = Fraction(int(whole + part), 10 ** len(part))
    return ("n", value.numerator, value.denominator)


def _plain_fraction(tree: Tree) -> bool:
    r"""Whether it is \frac of two whole numbers."""
    return (
        len(tree) == 3
        and tree[0] == "*"
        and tree[1][0] == "n"
        and tree[2][0] == "inv"
        and tree[2][1][0] == "n"
        and tree[1][2] == tree[2][1][2] == 1
    )


def _whole(tree: Tree) -> int:
    value = exact(tree)
    if value is None or value.denominator != 1 or value < 0:
        raise NotRead("a whole number is needed there")
    return value.numerator


def _factorial(tree: Tree) -> Tree:
    n = _whole(tree)
    if n > EXPONENT:
        raise NotRead("a factorial beyond the limits")
    return ("n", factorial(n), 1)


def _power(base: Tree, raised: Tree) -> Tree:
    value = exact(raised)
    if value is not None:
        if max(abs(value.numerator), value.denominator) > EXPONENT:
            raise NotRead("an exponent beyond the limits")
        raised = ("n", value.numerator, value.denominator)
    return ("^", base, raised)


def exact(tree: Tree) -> Fraction | None:
    """The rational number that a tree without symbols, roots and functions is, else None.

    Raises:
        NotRead: it divides by zero, or is beyond the limits.
    """
    head = tree[0]
    if head == "n":
        return Fraction(tree[1], tree[2])
    if head in ("s", "c", "f", "root"):
        return None
    if head == "^":
        base, raised = exact(tree[1]), exact(tree[2])
        if base is None or raised is None or raised.denominator != 1:
            return None
        if base == 0 and raised <= 0:
            raise NotRead("zero to that power")
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(raised.numerator) > BITS:
            raise NotRead("beyond the limits")
        return Fraction(base**raised.numerator)
    values = [exact(part) for part in tree[1:]]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if head == "neg":
        return -known[0]
    if head == "inv":
        if known[0] == 0:
            raise NotRead("division by zero")
        return 1 / known[0]
    total = Fraction(head == "*")
    for value in known:
        total = total * value if head == "*" else total + value
        if max(total.numerator.bit_length(), total.denominator.bit_length()) > BITS:
            raise NotRead("beyond the limits")
    return total


def _size(tree: Tree) -> tuple[int, int, int]:
    """Bounds of the degree, of the bits of numbers, and of how many open exponents stand in each other."""
    head = tree[0]
    if head == "n":
        return 0, max(tree[1].bit_length(), tree[2].bit_length()), 0
    if head in ("s", "c"):
        return 1, 1, 0
    if head == "root":
        return _size(tree[2])
    if head == "f":
        degree, bits, height = _size(tree[2])
        return degree, bits, height + (tree[1] in ("exp", "sinh", "cosh", "tanh"))
    if head == "^":
        degree, bits, height = _size(tree[1])
        if tree[2][0] == "n":
            times = max(abs(tree[2][1]), 1)
            return degree * times, bits * times, height
        other = _size(tree[2])
        return degree + other[0], bits + other[1], max(height, other[2] + 1)
    sizes = [_size(part) for part in tree[1:]]
    return sum(s[0] for s in sizes), sum(s[1] for s in sizes) + len(sizes), max(s[2] for s in sizes)


def text_of(tree: Tree) -> str:
    """One spelling for trees that differ in spacing, notation and the order of terms and factors; `parse` reads it."""
    head = tree[0]
    if head == "n":
        value = str(tree[1]) if tree[2] == 1 else f"({tree[1]}/{tree[2]})"
        return f"({value})" if tree[1] < 0 else value
    if head == "s":
        name, _, below = str(tree[1]).partition("_")
        return f"{name}_{{{below}}}" if below else name
    if head == "c":
        return str(tree[1])
    if head == "f":
        return f"{tree[1]}({text_of(tree[2])})"
    if head == "root":
        return f"sqrt[{tree[1]}]({text_of(tree[2])})"
    if head == "neg":
        return f"(-{text_of(tree[1])})"
    if head == "inv":
        return f"(1/{text_of(tree[1])})"
    if head == "^":
        return f"({text_of(tree[1])}^{text_of(tree[2])})"
    parts = [part for part in _flat(tree) if head == "+" or part != ("n", 1, 1)] or [("n", 1, 1)]
    return f"({head.join(sorted(map(text_of, parts)))})" if len(parts) > 1 else text_of(parts[0])


def _flat(tree: Tree) -> list[Tree]:
    return [inner for part in tree[1:] for inner in (_flat(part) if part[0] == tree[0] else [part])]


def symbols_of(tree: Tree) -> frozenset[str]:
    """The names of its symbols."""
    if tree[0] == "s":
        return frozenset({tree[1]})
    return frozenset().union(*(symbols_of(part) for part in tree[1:] if isinstance(part, tuple)))
