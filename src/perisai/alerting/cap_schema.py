"""The OASIS schema of CAP 1.2, shipped beside the code (data/cap), to check messages from anywhere."""

from functools import cache
from importlib.resources import files
from typing import Any

from lxml import etree

from perisai.model import BadInputError


@cache
def schema() -> Any:
    """The compiled schema."""
    source = files("perisai").joinpath("data/cap/CAP-v1.2-schema.xsd")
    return etree.XMLSchema(etree.fromstring(source.read_bytes()))


def check(xml: bytes, source: str) -> Any:
    """The `alert` element of a message that follows the schema; source: where it is from, for the message.

    Raises BadInputError naming the line at fault. Nothing is fetched and no entity is resolved.
    """
    try:
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise BadInputError(source, str(error), "an XML document") from error
    rules = schema()
    if not rules.validate(root):
        fault = rules.error_log[0]
        raise BadInputError(f"{source}: line {fault.line}", fault.message, "a CAP 1.2 alert")
    return root
