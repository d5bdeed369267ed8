"""Formulas written in plain characters, `sum_i g_i x~_i^2 >= 0`, as HTML with signs of print.

The pages on mathematics stay readable as text; the site shows them typeset, without a script.
"""

import re
from html import escape

GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "epsilon": "ε"},
    **{"zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν"},
    **{"xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ"},
    **{"psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Lambda": "Λ", "Phi": "Φ"},
    **{"Psi": "Ψ", "Omega": "Ω"},
}
SIGNS = {
    ">=": "≥",
    "<=": "≤",
    "!=": "≠",
    "+-": "±",
    "->": "→",
    "...": "…",
    "oo": "∞",
    "sum": "∑",
    "prod": "∏",
    "int": "∫",
    "*": "·",
    "-": "−",
    "sqrt": "√",
}
UPRIGHT = (
    *(
        "act",
        "artanh",
        "bulk",
        "cos",
        "cosh",
        "cst",
        "det",
        "dim",
        "dist",
        "exp",
        "grad",
        "inf",
        "lin",
    ),
    *("log", "loss", "max", "min", "pen", "rank", "sign", "sin", "sinh", "slope", "span", "tanh"),
)
WORDS = (
    *("and", "are", "at", "case", "dies", "for", "from", "if", "in", "is", "near", "of", "on"),
    *(
        "or",
        "outside",
        "over",
        "the",
        "where",
        "with",
        "all",
        "affine",
        "along",
        "free",
        "data",
        "mean",
        "ybar",
        "ker",
        "modulo",
        *("bias", "biases", "constant", "fresh", "gap", "generators", "incoming", "its", "network"),
        *("outgoing", "parameters", "point", "tangent", "unit", "weights"),
    ),
)

TOKEN = re.compile(
    r"\s+|>=|<=|!=|\+-|->|\.\.\.|[A-Za-z]+|\d+(?:\.\d+)?|\^|_|['’]+|~|\*|.", re.DOTALL
)
CODE = re.compile(
    r"\.py\b|\.md\b|\.json\b|--|\"|\b(?!sum_|int_|prod_)[a-z]{3,}_[a-z]{4,}|^p[a-z]+ -|^pytest|::"
    r"|[a-z]{4,}/[a-z_]{4,}"
)


def is_formula(text: str) -> bool:
    """Whether text in a code span is mathematics, not a name of the program."""
    if CODE.search(text) or not text.strip():
        return False
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"[_^]\{?[A-Za-z0-9]+", "", text))
    return all(_known(word) for word in words)


def _known(word: str) -> bool:
    if word in GREEK or word in SIGNS or word in UPRIGHT or word in WORDS:
        return True
    return _split(word) is not None


def _split(word: str) -> list[str] | None:
    """A run of letters as factors or differentials: `dG`, `tST`, `dtheta`; `iid` is none."""
    if word[0] == "d" and (word[1:] in GREEK or len(word) == 2):
        return ["d", word[1:]]
    return list(word) if len(word) <= 2 or (len(word) == 3 and not word.islower()) else None


def typeset(text: str) -> str:
    """The formula as HTML."""
    tokens = TOKEN.findall(text)
    html, at = "", 0
    while at < len(tokens):
        piece, at = _piece(tokens, at)
        html += piece
    return html


def _piece(tokens: list[str], at: int) -> tuple[str, int]:
    """One sign, name or number, typeset; and where the next begins."""
    token = tokens[at]
    at += 1
    if token.isspace():
        return token, at
    if token in ("_", "^") and at < len(tokens):
        return _script(tokens, at, "sub" if token == "_" else "sup")
    if token[0].isalpha():
        return _name(token, tokens, at)
    if token == "." and _between(tokens, at):
        return "·", at
    if token[0] in "'’":
        return "′" * len(token), at
    if token == "*" and _star(tokens, at):
        return "<sup>∗</sup>", at
    return SIGNS.get(token, escape(token)), at


def _name(token: str, tokens: list[str], at: int) -> tuple[str, int]:
    accent = ""
    if at < len(tokens) and tokens[at] == "~":
        accent, at = "\u0303", at + 1
    if token in SIGNS:
        return SIGNS[token] + accent, at
    if token in GREEK:
        return f"<i>{GREEK[token]}{accent}</i>", at
    if token in UPRIGHT or token in WORDS or (len(token) > 2 and _split(token) is None):
        return token + accent, at
    parts = _split(token) or [token]
    letters = "".join(GREEK.get(part, part) for part in parts)
    return f"<i>{letters}{accent}</i>", at


def _script(tokens: list[str], at: int, tag: str) -> tuple[str, int]:
    """What stands below or above: a group, or a name or number with its sign."""
    if tokens[at] in "{(":
        close = {"{": "}", "(": ")"}[tokens[at]]
        depth, end = 1, at + 1
        while end < len(tokens) and depth:
            depth += (tokens[end] == tokens[at]) - (tokens[end] == close)
            end += 1
        inside = typeset("".join(tokens[at + 1 : end - 1]))
        return f"<{tag}>{inside if close == '}' else f'({inside})'}</{tag}>", end
    sign = ""
    if tokens[at] in ("-", "+") and at + 1 < len(tokens):
        sign, at = SIGNS.get(tokens[at], tokens[at]), at + 1
    token = tokens[at]
    if tag == "sub" and token.isalpha() and token not in (*GREEK, *UPRIGHT, "oo"):
        inside, at = f"<i>{token}</i>", at + 1
        while at < len(tokens) and tokens[at].isdigit():
            inside, at = inside + tokens[at], at + 1
    elif token.isdigit() and at + 1 < len(tokens) and tokens[at + 1].isalpha() and tag == "sup":
        inside, at = token + typeset(tokens[at + 1]), at + 2
    else:
        inside, at = _piece(tokens, at)
    return f"<{tag}>{sign}{inside}</{tag}>", at


def _between(tokens: list[str], at: int) -> bool:
    """Whether a point joins two factors: `w.x`, not the end of a sentence."""
    before = tokens[at - 2] if at >= 2 else " "
    return (
        at < len(tokens)
        and not before.isspace()
        and (tokens[at][0].isalpha() or tokens[at] in "([|")
    )


def _star(tokens: list[str], at: int) -> bool:
    """Whether a star is a mark: `theta*`, not a product, which has spaces."""
    return at >= 2 and not tokens[at - 2].isspace()


IN_TEXT = re.compile(
    rf"(?<![\w/.\\-])(?:{'|'.join(GREEK)}|[A-Za-z])[~'’]*"
    r"(?:[_^](?:\{[^}]*\}|-?[A-Za-z0-9]{1,3}\b))+"
    rf"|(?<![\w/.\\-])(?:{'|'.join(GREEK)})(?![\w-])[*'’]*"
    r"|(?<= )(?:>=|<=|!=|\+-)(?= )"
)
"""Letters with something below or above, Greek letters, and signs between spaces."""


def pieces(text: str) -> list[tuple[str, bool]]:
    """A sentence cut at its formulas; each with whether it is HTML."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for match in IN_TEXT.finditer(text):
        parts.append((text[end : match.start()], False))
        sign = SIGNS.get(match[0])
        parts.append((sign or f'<span class="formula">{typeset(match[0])}</span>', True))
        end = match.end()
    return [*parts, (text[end:], False)]
