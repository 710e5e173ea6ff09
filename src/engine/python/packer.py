"""Packs Ansible's modules for fleet: one request a line in, one answer a line out, both JSON."""
import sys

# the working directory is no place for packages
sys.path = [place for place in sys.path if place]

import base64
import inspect
import json
import os
import signal

# the run ends this program by closing its input
signal.signal(signal.SIGINT, signal.SIG_IGN)
# what Ansible prints is no answer
answers = os.fdopen(os.dup(1), "w", encoding="ascii")
os.dup2(2, 1)


class Packer:
    """Ansible's own way of making one file of a module and all that it imports."""

    def __init__(self):
        from ansible import release
        from ansible.executor import module_common
        from ansible.module_utils.common import parameters
        from ansible.parsing.dataloader import DataLoader
        from ansible.plugins import loader
        from ansible.template import Templar

        if hasattr(loader, "init_plugin_loader"):
            loader.init_plugin_loader([])
        self.version = release.__version__
        self.known = {"_ansible_" + name for name in parameters.PASS_VARS}
        self.utils = loader.module_utils_loader
        self.modify = module_common.modify_module
        self.takes = set(inspect.signature(self.modify).parameters)
        self.templar = Templar(loader=DataLoader(), variables={})

    def pack(self, request):
        for directory in request["utils"]:
            self.utils.add_directory(directory)
        arguments = dict(request["args"])
        internal = dict(request["internal"], _ansible_version=self.version)
        internal["_ansible_string_conversion_action"] = "warn"
        # a version refuses what it does not know
        arguments.update((name, value) for name, value in internal.items() if name in self.known)
        given = {
            "module_name": request["name"],
            "module_path": request["path"],
            "module_args": arguments,
            "templar": self.templar,
            "task_vars": {"ansible_python_interpreter": request["interpreter"], "ansible_facts": {}},
            "module_compression": "ZIP_DEFLATED",
            "environment": {},
            "remote_is_local": False,
        }
        built = self.modify(**{name: value for name, value in given.items() if name in self.takes})
        data = built[0] if isinstance(built, tuple) else built.b_module_data
        return {"packed": base64.b64encode(data).decode("ascii")}


packer = None
for line in sys.stdin.buffer:
    try:
        if packer is None:
            packer = Packer()
        answer = packer.pack(json.loads(line))
    except BaseException as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
