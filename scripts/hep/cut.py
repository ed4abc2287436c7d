"""Expressions over columns, such as "pt > 20 && abs(eta) < 2.5", on NumPy's arrays. Nothing else of Python runs."""

import ast
import re

import numpy as np

FUNCTIONS = {
    name: getattr(np, name)
    for name in ("abs", "sqrt", "exp", "log", "log10", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2",
                 "sinh", "cosh", "tanh", "floor", "ceil", "hypot", "minimum", "maximum", "where", "isfinite", "isnan",
                 "sign")
}
CONSTANTS = {"pi": np.pi, "inf": np.inf, "nan": np.nan}
OPERATORS = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide, ast.Mod: np.mod,
    ast.Pow: np.power, ast.FloorDiv: np.floor_divide, ast.BitAnd: np.bitwise_and, ast.BitOr: np.bitwise_or,
    ast.UAdd: np.positive, ast.USub: np.negative, ast.Invert: np.invert,
    ast.Not: np.logical_not, ast.And: np.logical_and, ast.Or: np.logical_or, ast.Eq: np.equal, ast.NotEq: np.not_equal,
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
}


class Cut:
    """Made from a text: `names` of the columns that it needs; called with a table of columns, it says which rows pass.
    ValueError says what cannot be understood."""

    def __init__(self, text):
        python = re.sub(r"!(?!=)", " not ", text.replace("&&", " and ").replace("||", " or ")).strip()
        try:
            self.tree = ast.parse(python, mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"'{text}': {error.msg}") from None
        self.text, self.names = text, []
        self.check(self.tree)

    def refuse(self, node):
        raise ValueError(f"'{self.text}': '{ast.unparse(node)}' is nothing that a cut can have")

    def check(self, node):
        if isinstance(node, ast.Name):
            if node.id not in CONSTANTS and node.id not in self.names:
                self.names.append(node.id)
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, (int, float)):
                self.refuse(node)
        elif isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
                self.refuse(node)
            for argument in node.args:
                self.check(argument)
        elif isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare)):
            operators = node.ops if isinstance(node, ast.Compare) else [node.op]
            if any(type(operator) not in OPERATORS for operator in operators):
                self.refuse(node)
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.check(child)
        else:
            self.refuse(node)

    def value(self, node, columns):
        def of(child):
            return self.value(child, columns)

        if isinstance(node, ast.Name):
            return CONSTANTS[node.id] if node.id in CONSTANTS else columns[node.id]
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Call):
            return FUNCTIONS[node.func.id](*map(of, node.args))
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](of(node.left), of(node.right))
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](of(node.operand))
        if isinstance(node, ast.BoolOp):
            first, *others = map(of, node.values)
            for other in others:
                first = OPERATORS[type(node.op)](first, other)
            return first
        sides = [of(node.left), *map(of, node.comparators)]
        pairs = [OPERATORS[type(o)](a, b) for o, a, b in zip(node.ops, sides, sides[1:])]
        return np.logical_and.reduce(pairs) if len(pairs) > 1 else pairs[0]

    def __call__(self, columns, rows):
        """A boolean for each of so many rows."""
        try:
            with np.errstate(all="ignore"):
                return np.broadcast_to(np.asarray(self.value(self.tree, columns)) != 0, rows)
        except (TypeError, ValueError) as error:
            raise ValueError(f"'{self.text}': {error}") from None
