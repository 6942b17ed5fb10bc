"""Holds JSON documents (standard input, one a line) against the JSON schema in the file named, with the PyPI package
jsonschema; prints `valid` or `not valid` for each."""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

schema = json.loads(Path(sys.argv[1]).read_text())
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
for line in sys.stdin:
    print("valid" if validator.is_valid(json.loads(line)) else "not valid")
