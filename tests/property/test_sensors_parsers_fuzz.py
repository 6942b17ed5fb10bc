"""A bounded share of `make fuzz`: random and mutated messages for every parser."""

import random

import pytest
from sensor_fuzz import mutated_messages, parsers, random_messages, run

PARSERS = parsers()


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_no_message_crashes_or_hangs_a_parser(name: str) -> None:
    parser, rng = PARSERS[name], random.Random(f"{name} 20260101")
    run(name, parser, random_messages(parser, rng), 1500)
    run(name, parser, mutated_messages(parser, rng), 500)
