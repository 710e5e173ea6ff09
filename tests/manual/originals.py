"""Asks ansible-doc for the parameters of modules: only their names, their other names, and what they say of check mode and
differences. Arguments: a directory with the wheel of the package `ansible`, collections to take out of it, modules."""

import glob
import json
import os
import subprocess
import sys
import zipfile

place, collections, modules = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
for path in glob.glob(place + "/ansible-*.whl"):
    with zipfile.ZipFile(path) as whole:
        starts = tuple("ansible_collections/%s/" % name for name in collections)
        whole.extractall(place, [name for name in whole.namelist() if name.startswith(starts)])
    os.remove(path)

environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=place, ANSIBLE_LOCAL_TEMP=place + "/tmp")
program = os.path.join(os.path.dirname(sys.executable), "ansible-doc")
told = json.loads(subprocess.run([program, "-j", *modules], env=environment, check=True, capture_output=True).stdout)
core = subprocess.run([program, "--version"], env=environment, check=True, capture_output=True, text=True).stdout


def version(module):
    namespace, name, _ = module.split(".", 2)
    if (namespace, name) == ("ansible", "builtin"):
        return "ansible-core " + core.split("core ", 1)[1].split("]", 1)[0]
    manifest = "%s/ansible_collections/%s/%s/MANIFEST.json" % (place, namespace, name)
    with open(manifest, encoding="utf-8") as file:
        return "%s.%s %s" % (namespace, name, json.load(file)["collection_info"]["version"])


for module in modules:
    doc = told[module]["doc"]
    attributes = doc.get("attributes") or {}
    support = [(attributes.get(name) or {}).get("support") or "-" for name in ("check_mode", "diff_mode")]
    parameters = []
    for name, option in sorted((doc.get("options") or {}).items()):
        # `free_form` is a word for the text in place of parameters
        if name not in ("free_form", "free-form", "key_value"):
            parameters.append("/".join([name, *sorted(set(option.get("aliases") or []) - {name})]))
    print("\t".join([module, version(module), *support, " ".join(parameters)]))
