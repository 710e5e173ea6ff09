#!/usr/bin/python
"""A module whose text has the parameters in it."""

import json

given = json.loads("""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>""")
own = {name: value for name, value in given.items() if not name.startswith("_ansible_")}
print(json.dumps({"changed": True, "given": own}))
