#!/usr/bin/python
"""A module that a role brings."""

from ansible.module_utils.basic import *

module = AnsibleModule(argument_spec={}, supports_check_mode=True)
module.exit_json(changed=False, rc=0, stdout="from the role\n", stderr=False)
