"""Whether an error's message helps: it says what was wrong, and what would be right."""

import contextlib
import re
from collections.abc import Iterable
from typing import Any

from megagrad import Value


def any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.DOTALL)


# What Python and pybind11 say where nobody has thought of it.
NO_EXPLANATION = any_of(
    *("bad argument type for built-in operation", "error return without exception"),
    *("exception set", "incompatible (function|constructor) arguments", "Unable to cast", "NULL"),
)

# What Python and NumPy say themselves of objects that break their rules, and the system of files.
PYTHONS = any_of(
    *(r"__\w+__ ?(\(\)|must|returned|should)", "__class__ assignment", "has no attribute '"),
    *(r"'[\w.]+' object (is not|does not|cannot)", "is not (iterable|a container)", r"no len\(\)"),
    *("non-iterator", "unsized object", "^unhashable type: '", "recursion depth", "^descriptor '"),
    *("(unsupported|bad) operand", "not supported between", "can only (concatenate|append)"),
    *("can't (concat|multiply sequence|encode)", "index-sized", "integer scalar arrays"),
    *("too large (to convert to|for a) float", "division by zero", "signaling NaN"),
    *("InvalidOperation", "Cannot compare", "truth value", "0-d array", "safely coerced"),
    *("not C-contiguous", r"while NumPy made an array of \w+$", "supported seed types"),
    *("is not a (type object|subtype of)", "attribute of immutable type"),
    *("[Ff]ormat (specifier|code|string)", "precision too big"),
    *("embedded null", "cannot contain null bytes", "^invalid (non-printable|decimal)"),
    *(r"^\[Errno \d+\] ", "^argument should be a str ", "^Warning: converting a masked"),
)

# What would be right, in our words; and words after which something has to come.
RIGHT = re.compile(
    r"\b(must|needs?|takes?|expected|required|known are|it has|its state has|allowed|use|add|save|load"
    r"|divide)\b"
)
OPEN_END = any_of(
    r"\b(must( not)?|must (be|have|fit|name)|at (least|most)|above|from|needs?|expected|not|got)\s*$",
    r"\b(known are|it has|use|as many)\s*$",
    r"\bat (least|most)\b(?! [\w-])",
)

# How many there are, where the number is what is wrong.
COUNTED = re.compile(r"\b(got|has|have) (\d+|none|no)\b")

# Our own messages in which what is wrong tells what would be right.
ENOUGH = any_of(
    r".+ has \d+ (rates|parameter groups), the \w+ has \d+( groups)?",
    r"Value\(\) got \d+ local gradients for \d+ children",
    r"a saved group has \d+ parameters where there are \d+",
    r"the program has \d+ parameters, not \d+",
    r".+ is the same Value as .+",
    r"parameter \d+, .+, occurs twice in its group",
    r"the state does not fit the \w+: missing names \[.*\], unexpected names \[.*\]",
    r"""['"]*the (state has no|parameter group has lost its) .+""",
    r"the state has (an entry for|\[).+",
    r".+ is (undefined|too large for a float).*",
    r"cannot record a rule of the user's own: .+",
    r"(.+ is )?not a saved (program|state).+",
    r".+ contains itself.*",
    r"the norm of order .+ cannot be clipped; .+",
    r"the expression (is empty|has characters that are no text)",
)


def fault(text: str, names: Iterable[str], argument: Any) -> str | None:
    """What a message lacks; None if nothing.

    names: of the arguments that it may be about. argument: the one that is wrong.
    """
    if NO_EXPLANATION.search(text):
        return "is what is said where nobody has thought of it"
    if issubclass(type(argument), dict) and re.fullmatch(r"'\w+'", text):  # its own words
        return None
    if PYTHONS.search(text) or ENOUGH.fullmatch(text):
        return None
    if not RIGHT.search(text) or OPEN_END.search(text):
        return "does not say what would be right"
    if not (COUNTED.search(text) or names_one_of(names, text) or shows(argument, text)):
        return "does not say what was wrong"
    return None


def names_one_of(names: Iterable[str], text: str) -> bool:
    """Whether one of the names, or of several that stand for one, is a word of the text."""
    given = [part.strip("_") for name in names for part in name.split("/")]
    words = {word for part in given for word in (part, part.removesuffix("s")) if word}
    return any(re.search(rf"(?<![^\W_]){re.escape(word)}(?!\w)", text) for word in words)


def shows(argument: Any, text: str) -> bool:
    """Whether the text has the argument's type, its value, or the type of something in it."""
    found = [type(argument).__name__, *(f"'{kind.__name__}'" for kind in type(argument).__mro__)]
    for kind in (float, int, str):
        # Of a child of the kind, whatever it says itself.
        if issubclass(type(argument), kind) and not isinstance(argument, bool):
            with contextlib.suppress(ValueError):  # of an int with too many digits
                shown = kind.__repr__(argument)
                if kind is str:
                    found.append(str.__getitem__(argument, slice(20)))
                found += [shown[:20], shown.strip("'"), repr(shown)[2:20]]
    if issubclass(type(argument), Value):
        found.append(repr(float(Value.__dict__["data"].__get__(argument))))
    if any(word and word in text for word in found):
        return True
    return not issubclass(type(argument), str | float | int) and bool(re.search(r"'[\w.]+'", text))
