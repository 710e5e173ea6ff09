#!/bin/sh
# Runs playbooks one by one, and says how each ends and where it is told.
for playbook; do
    ansible-playbook -i a, -c local "$playbook" >out 2>err
    told="$playbook: exit $?"
    grep -q '^\[ERROR\]' out && told="$told, an error on stdout"
    grep -q '^\[ERROR\]' err && told="$told, an error on stderr"
    grep -q '^PLAY RECAP' out && told="$told, a recap"
    echo "$told"
done
