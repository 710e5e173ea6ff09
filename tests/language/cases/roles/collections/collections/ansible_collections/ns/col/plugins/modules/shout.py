#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={'text': {'type': 'str', 'required': True}}, supports_check_mode=True)
module.exit_json(said=module.params['text'].upper())
