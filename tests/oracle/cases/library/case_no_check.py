#!/usr/bin/python
"""A module that cannot run in check mode."""

from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec={"name": {"aliases": ["title"], "required": True}})
module.exit_json(changed=True, name=module.params["name"])
