#!/usr/bin/python
"""A file of one line: a module as most are, with check mode, a difference and a parameter that is a secret."""

import os

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "text": {"default": "nothing"},
            "token": {"no_log": True},
            "number": {"type": "int"},
            "more": {"type": "dict"},
            "trouble": {"choices": ["none", "warn", "fail", "raise", "junk", "silence"], "default": "none"},
        },
        supports_check_mode=True,
    )
    given = module.params
    before = ""
    if os.path.exists(given["path"]):
        with open(given["path"]) as file:
            before = file.read()
    after = given["text"] + "\n"
    result = {
        "changed": before != after,
        "token": given["token"],
        "number": given["number"],
        "more": given["more"],
        "user": module.run_command(["id", "-un"])[1].strip(),
        "told": os.environ.get("CASE_TOLD"),
        "check": module.check_mode,
        "ansible_facts": {"case_line": given["text"], "ansible_host": "198.51.100.1"},
    }
    if module._diff:
        result["diff"] = {"before": before, "after": after, "before_header": given["path"], "after_header": given["path"]}
    if given["trouble"] == "warn":
        module.warn("be careful")
        module.deprecate("this is old", version="99.0", collection_name="ansible.builtin")
    if given["trouble"] == "fail":
        module.fail_json(msg="it was to fail: {{ 1 + 1 }}", rc=7, stdout="one\ntwo\n")
    if given["trouble"] == "raise":
        raise ValueError("raised")
    if given["trouble"] == "junk":
        print("a line before")
    if given["trouble"] == "silence":
        os._exit(3)
    if result["changed"] and not module.check_mode:
        with open(given["path"], "w") as file:
            file.write(after)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
