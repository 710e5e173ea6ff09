#!/bin/sh
. "$1"
if [ "$state" = bad ]; then
    echo "{\"failed\": true, \"msg\": \"the state is bad\"}"
    exit 1
fi
echo "{\"changed\": true, \"name\": \"$name\", \"flag\": \"$flag\", \"check\": \"$_ansible_check_mode\", \"HOME\": \"$HOME\"}"
