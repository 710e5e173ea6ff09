#!/bin/sh
echo "{\"_meta\": {}, \"web\": [\"a\"]}"
