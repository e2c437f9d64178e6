"""Is each receiver in README.md one that Alertmanager takes? Needs amtool."""

import re
import sys
import tempfile
import textwrap
import unittest

sys.dont_write_bytecode = True

from alertmanager_test import ALERTS, CONFIGURATION, amtool  # noqa: E402


class Receivers(unittest.TestCase):
    """The examples of README.md, each in place of the pager's webhook."""

    def examples(self) -> dict[str, str]:
        text = (ALERTS / "README.md").read_text().split("## Receivers")[1].split("\n## ")[0]
        blocks = re.findall(r"(?s)```yaml\n# (.+?)\n(.+?)```", text)
        return {heading: block for heading, block in blocks}

    def with_pager(self, block: str) -> str:
        """The shipped file with this receiver, and with what e-mail needs."""
        webhook = re.compile(r"(- name: pager\n)    webhook_configs: .+\n")
        text, found = webhook.subn(lambda it: it[1] + textwrap.indent(block, "    "), CONFIGURATION.read_text())
        self.assertEqual(found, 1)
        return "global: {smtp_smarthost: 'mail.example:587', smtp_from: 'coder@example.org'}\n" + text

    def check(self, configuration: str) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(configuration)
            file.flush()
            amtool("check-config", file.name)

    def test_each_example_is_one_of_alertmanager_and_short(self):
        examples = self.examples()
        services = ["PagerDuty", "Opsgenie", "Grafana OnCall", "Slack", "E-mail"]
        self.assertEqual([it for it in services if any(heading.startswith(it) for heading in examples)], services)
        for heading, block in examples.items():
            with self.subTest(heading):
                self.assertLessEqual(block.count("\n"), 10)
                self.check(self.with_pager(block))

    def test_setting_that_alertmanager_lacks_is_found(self):
        for heading, block in self.examples().items():
            with self.subTest(heading):
                broken = re.sub(r"(?m)^(  - )(\w+):", r"\1no_\2:", block, count=1)
                self.assertNotEqual(broken, block)
                with self.assertRaisesRegex(AssertionError, "no_"):
                    self.check(self.with_pager(broken))


if __name__ == "__main__":
    unittest.main()
