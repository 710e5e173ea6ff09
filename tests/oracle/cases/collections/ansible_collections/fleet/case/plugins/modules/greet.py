#!/usr/bin/python
"""A module of a collection that imports a part of it."""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.greeting import greeting


def main():
    module = AnsibleModule(argument_spec={"name": {"required": True}, "loud": {"type": "bool", "default": False}}, supports_check_mode=True)
    text = greeting(module.params["name"])
    module.exit_json(changed=False, text=text.upper() if module.params["loud"] else text)


if __name__ == "__main__":
    main()
