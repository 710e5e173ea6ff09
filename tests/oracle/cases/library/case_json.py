#!/usr/bin/python
# WANT_JSON
"""A module that imports nothing of Ansible: it is given a file with JSON."""

import json
import sys

with open(sys.argv[1]) as file:
    given = json.load(file)
own = {name: value for name, value in given.items() if not name.startswith("_ansible_")}
print(json.dumps({"changed": False, "given": own, "check": given["_ansible_check_mode"]}))
