#!/bin/sh
cat <<'J'
{"_meta": {"hostvars": {"a": {"of_meta": 1, "ansible_connection": "local", "nested": {"x": [1, null, true]}, "t": "{{ of_meta }}"}, "nobody": {"z": 1}}},
 "web": {"hosts": ["a", "b"], "vars": {"list": [1, 2], "ansible_connection": "local"}, "children": ["sub"]},
 "sub": ["c", "a"], "empty": {}, "all": {"vars": {"everywhere": "ü"}}, "ungrouped": {"hosts": ["u"]},
 "only_children": {"children": ["web", "not_there"]}, "we-b": {"hosts": []}}
J
