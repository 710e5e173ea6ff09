#!/bin/sh
echo "args: $*"
pwd
echo "$WORD"
echo problem >&2
exit "${CODE:-0}"
