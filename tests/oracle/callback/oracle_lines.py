"""Writes every task result that Ansible reports as one JSON line, for the oracle tests."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: oracle_lines
type: aggregate
short_description: task results as JSON lines
description: Writes one JSON object per host and task to the file that the variable ORACLE_LINES names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "oracle_lines"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.lines = open(os.environ["ORACLE_LINES"], "a", encoding="utf-8")

    def write(self, ended, status):
        fields = ended.task_fields
        line = {
            "host": ended.host.get_name(),
            "task": str(fields.get("name") or fields["action"]),
            "module": str(fields["action"]),
            "status": status,
            "result": ended.result,
        }
        self.lines.write(json.dumps(line, default=str) + "\n")
        self.lines.flush()

    def v2_runner_on_ok(self, result):
        self.write(result, "changed" if result.result.get("changed") else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.write(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result):
        self.write(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self.write(result, "unreachable")
