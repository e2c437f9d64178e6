"""The metric and label names that a PromQL expression uses.

Not a parser: promtool says whether an expression is one. This finds the names in one that is.
"""

import re

TOKEN = re.compile(
    r"""(?P<blank> \s+ | \#[^\n]* )
      | (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
      | (?P<range> \[[^\]]*\] )
      | (?P<number> \d[\w.]* )
      | (?P<name> [a-zA-Z_:][\w:]* )
      | (?P<sign> . )""",
    re.VERBOSE | re.DOTALL,
)
LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
AGGREGATIONS = {
    "avg", "bottomk", "count", "count_values", "group", "limitk", "limit_ratio", "max", "min", "quantile", "stddev",
    "stdvar", "sum", "topk",
}
WORDS = {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"}


def names(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """Each metric with the labels it is asked for in braces; and the labels listed elsewhere.

    A selector without a metric's name in front of its braces counts as the metric "".
    """
    tokens = [(m.lastgroup, m.group()) for m in TOKEN.finditer(expression) if m.lastgroup not in ("blank", "range")]
    metrics: dict[str, set[str]] = {}
    listed: set[str] = set()
    metric = ""
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        position += 1
        if kind == "name" and text.lower() in LABEL_LISTS:
            if following == "(":
                labels, position = names_up_to(")", tokens, position + 1)
                listed |= labels
        elif kind == "name" and following != "(" and text.lower() not in AGGREGATIONS | WORDS:
            metric = text
            metrics.setdefault(metric, set())
        elif text == "{":
            labels, position = names_up_to("}", tokens, position)
            metrics.setdefault(metric, set()).update(labels)
        if text != metric:
            metric = ""
    return metrics, listed


def names_up_to(end: str, tokens: list[tuple[str, str]], position: int) -> tuple[set[str], int]:
    found = set()
    while position < len(tokens) and tokens[position][1] != end:
        if tokens[position][0] == "name":
            found.add(tokens[position][1])
        position += 1
    return found, position + 1
