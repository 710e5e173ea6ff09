#!/bin/sh
case $1 in
  --list) echo '{"web": {"hosts": ["a", "b"]}, "db": ["c"]}' ;;
  --host) case $2 in a) echo '{"x": "of a"}' ;; b) echo ;; c) echo '{}' ;; esac ;;
esac
