"""Decodes Remote ID payloads (hexadecimal, one a line) with the PyPI package homewatch; one JSON object each."""

import json
import sys

from homewatch.remoteid import parse_pack

for line in sys.stdin:
    print(json.dumps(parse_pack(bytes.fromhex(line.strip()))))
