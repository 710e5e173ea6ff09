#!/bin/sh
echo "{\"web\": {\"vars\": [1]}}"
