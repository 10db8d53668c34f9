"""Small changes of a checker: what its test cases must notice, and what must not matter.

Mutation testing (DeMillo, Lipton and Sayward, 1978): a checker with one thing changed is a *mutant*, and cases that
cannot tell it from the checker do not pin down what the checker says. Some are equivalent, so that no case could tell
them apart (a second `strip()` that is dropped), and a perfect score cannot be asked for.

Sources are parsed and written, never run here.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

from ssrl_data.rng import Rng
from ssrl_train.autoif.outputs import parse, plain

MARK = "\u00a7"
"""What a changed text becomes: a sign that no checker looks for."""

_ORDER: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
_PAIRS = (("any", "all"), ("min", "max"), ("startswith", "endswith"), ("upper", "lower"), ("isupper", "islower"))
_SWAPS = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}


class Mutant(NamedTuple):
    """A changed source, what was changed in fixed words, and the line of the original it stood in, from 1."""

    source: str
    change: str
    line: int


def mutants(source: str, most: int) -> list[Mutant]:
    """Different mutants of a checker, in the order of the source; the same ones whenever it is asked.

    Where there are more than `most`, each change takes its turn, so that one that fits everywhere (numbers) does not
    crowd out the others; which of its mutants is taken is drawn from the source.

    Args:
        source: Python that parses.
        most: mutants at most.

    Raises:
        SyntaxError: it does not parse.
    """
    tree = plain(parse(source))
    found = [
        (getattr(node, "lineno", 1), change, node, new) for node in ast.walk(tree) for change, new in _changes(node)
    ]
    turns: dict[str, int] = {}
    ranked = []
    for place in Rng("autoif/mutants", source).shuffled(range(len(found))):
        change = found[place][1]
        turns[change] = turns.get(change, 0) + 1
        ranked.append((turns[change], place))
    seen = {ast.unparse(tree)}
    chosen: list[tuple[int, int, Mutant]] = []
    for _, place in sorted(ranked):
        if len(chosen) == most:
            break
        line, change, old, new = found[place]
        text = ast.unparse(_replaced(tree, old, new))
        if text not in seen:
            seen.add(text)
            chosen.append((line, place, Mutant(text, change, line)))
    return [mutant for _, _, mutant in sorted(chosen)]


def reordered(source: str) -> str:
    """The same checker with the elements of every set that it writes down or builds at once put in the other way round.

    What a set holds is the same, and CPython may walk it in either order, so a checker that gives another verdict then
    depends on the order of a set. (An engine that walks sets as they were filled would never show it by itself.) Sets
    that are filled one element at a time are left alone.

    Raises:
        SyntaxError: it does not parse.
    """
    return ast.unparse(ast.fix_missing_locations(_Reorder().visit(parse(source))))


class _Reorder(ast.NodeTransformer):
    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return ast.Set(node.elts[::-1])

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return _set_of(ast.Name("set", ast.Load()), ast.ListComp(node.elt, node.generators))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        named = isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
        if not named or len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            return node
        return _set_of(node.func, ast.Call(ast.Name("list", ast.Load()), node.args, []))


def _set_of(name: ast.expr, listed: ast.expr) -> ast.Call:
    backwards = ast.Slice(step=ast.UnaryOp(ast.USub(), ast.Constant(1)))
    return ast.Call(name, [ast.Subscript(listed, backwards, ast.Load())], [])


def _replaced(tree: ast.Module, old: ast.AST, new: ast.AST) -> ast.Module:
    """A copy of the tree with one node replaced: copying takes what it is told that it has copied already."""
    return copy.deepcopy(tree, {id(old): new})


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The changes of one node: what each is called, and what stands there instead."""
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            for other in _others(op, node.comparators[place]):
                ops = [other() if n == place else kept for n, kept in enumerate(node.ops)]
                yield "comparison", ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield "and or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for place in range(len(node.values)):
            rest = node.values[:place] + node.values[place + 1 :]
            yield "dropped condition", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "negation", node.operand
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        new = copy.copy(node)
        new.test = ast.UnaryOp(ast.Not(), node.test)
        yield "negation", new
    elif isinstance(node, ast.comprehension):
        for test in node.ifs:
            rest = [kept for kept in node.ifs if kept is not test]
            yield "dropped condition", ast.comprehension(node.target, node.iter, rest, node.is_async)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _SWAPS:
        yield "other function", ast.Name(_SWAPS[node.id], node.ctx)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in _SWAPS:
        yield "other function", ast.Attribute(node.value, _SWAPS[node.attr], node.ctx)
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr | ast.Continue | ast.Break):
        yield "dropped statement", ast.Pass()


def _others(op: ast.cmpop, right: ast.expr) -> tuple[type[ast.cmpop], ...]:
    """What stands for a comparison: its border moved, its opposite; for `== 3` also one side of it alone."""
    number = isinstance(right, ast.Constant) and type(right.value) in (int, float)
    sides = (ast.LtE, ast.GtE) if isinstance(op, ast.Eq) and number else ()
    return (*_ORDER[type(op)], *sides)


def _constants(value: object) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(value, bool):
        yield "truth value", ast.Constant(not value)
    elif isinstance(value, int):
        yield "number", ast.Constant(value + 1)
        if value > 0:
            yield "number", ast.Constant(value - 1)
    elif isinstance(value, str) and value != MARK:
        yield "text", ast.Constant(MARK)
