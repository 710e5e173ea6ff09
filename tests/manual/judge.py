"""Judges documents by JSON schemas: prints for each document the list of what is wrong with it."""

import json
import sys

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

with open(sys.argv[1], encoding="utf-8") as file:
    given = json.load(file)
validators = {}
for name, schema in given["schemas"].items():
    Draft7Validator.check_schema(schema)
    validators[name] = Draft7Validator(schema)


def told(error):
    place = "/".join(str(part) for part in error.absolute_path)
    deepest = best_match([error]) if error.context else error
    return "%s: %s" % (place, (deepest or error).message[:300])


answers = []
for document in given["documents"]:
    errors = validators[document["subject"]].iter_errors(document["content"])
    answers.append([told(error) for error in errors])
json.dump(answers, sys.stdout)
