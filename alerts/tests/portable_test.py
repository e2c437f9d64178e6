"""Do the rules ask for what every ruler has: those of Prometheus, Mimir, Thanos and VictoriaMetrics?"""

import pathlib
import re
import unittest

RULES = next(pathlib.Path(__file__).resolve().parents[1].glob("*.rules.yaml")).read_text()

# What stands before a bracket and is no function.
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool"}
AGGREGATIONS = {"sum", "min", "max", "avg", "count", "topk"}
# In PromQL since 2.26 or earlier, and in MetricsQL with the same meaning.
FUNCTIONS = {
    "abs", "absent", "avg_over_time", "changes", "histogram_quantile", "increase", "label_replace", "last_over_time",
    "max_over_time", "min_over_time", "rate", "scalar", "sum_over_time", "time", "vector",
}
# Of the templates of alerts; `query` is in all four, `args`, `tmpl` and what asks for the ruler's own address are not.
TEMPLATE_WORDS = {
    "with", "range", "if", "else", "end", "or", "eq", "ge", "printf", "query", "first", "value", "label", "humanize",
    "humanizePercentage", "humanizeDuration", "humanizeTimestamp", "urlquery",
}
KEYS = {"name", "interval", "rules", "record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
ANNOTATIONS = {"severity", "summary", "description", "runbook_url", "dashboard_url"}


def expressions(rules: str) -> str:
    """Every `expr`, without comments and without what is quoted."""
    blocks = re.findall(r"(?ms)^        expr: \|\n(.*?)(?=^        \w|^      - |^  - |^\S|\Z)", rules)
    return re.sub(r'"[^"]*"', '""', re.sub(r"#.*", "", "\n".join(blocks)))


def faults(rules: str) -> set[str]:
    text = expressions(rules)
    found = set(re.findall(r"\b([a-z_]+)\s*\(", text)) - WORDS - AGGREGATIONS - FUNCTIONS
    # Modifiers of a moment, a subquery, and a limit on groups: each is missing somewhere, or off by default.
    found |= set(re.findall(r"@|\boffset\b|\[\w+:\w*\]", text))
    found |= set(re.findall(r"(?m)^ *(?:- )?(\w+):(?= |$)", re.sub(r"(?m)^ {10,}.*$", "", rules))) - KEYS - {"groups"}
    found |= set(re.findall(r"(?m)^          (\w+):(?= )", rules)) - ANNOTATIONS
    for action in re.findall(r"\{\{-?(.*?)-?\}\}", rules):
        words = re.sub(r'"(?:[^"\\]|\\.)*"|[$.][\w.]*', "", action)
        found |= set(re.findall(r"[A-Za-z_]\w*", words)) - TEMPLATE_WORDS
    return found


class Portable(unittest.TestCase):
    def test_rules_need_nothing_that_a_ruler_lacks(self):
        self.assertGreater(expressions(RULES).count("("), 100, "the rules are read wrongly")
        self.assertEqual(faults(RULES), set())

    def test_what_a_ruler_lacks_is_found(self):
        for before, after, fault in [
            ("abs(", "sgn(", "sgn"),
            ("coder_up)", "coder_up @ 0)", "@"),
            ("coder_up)", "coder_up offset 1m)", "offset"),
            ("[1h])", "[1h:1m])", "[1h:1m]"),
            ("    interval: 1m", "    limit: 5", "limit"),
            ("| humanizeDuration", "| toTime", "toTime"),
            ("          summary:", "          title:", "title"),
        ]:
            with self.subTest(fault):
                self.assertIn(before, RULES)
                self.assertEqual(faults(RULES.replace(before, after, 1)), {fault})


if __name__ == "__main__":
    unittest.main()
