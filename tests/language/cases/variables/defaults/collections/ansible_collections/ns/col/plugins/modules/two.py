#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={'text': {'type': 'str'}, 'more': {'type': 'str'}}, supports_check_mode=True)
module.exit_json(text=module.params['text'], more=module.params['more'])
