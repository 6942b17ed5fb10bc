"""The API as one plain page: every path with what it does, takes and answers; no script, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

METHODS = ("get", "post", "put", "patch", "delete")
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Perisai API</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<main>
<h1>Perisai API</h1>
<p>Written from <a href="{schema}">the OpenAPI schema</a>, which tools read. Live ticks: <code>/api/v1/live</code> (WebSocket, MessagePack).</p>
"""  # noqa: E501


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        schema = parameter.get("schema", {})
        kind = schema.get("type") or " or ".join(one.get("type", "") for one in schema.get("oneOf", []))
        need = "needed" if parameter.get("required") else "optional"
        about = f": {escape(parameter['description'])}" if parameter.get("description") else ""
        name, place = escape(parameter["name"]), escape(parameter["in"])
        yield f"<li><code>{name}</code> ({place}, {escape(kind)}, {need}){about}</li>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        name = schema.get("$ref", "").rsplit("/", 1)[-1] or schema.get("type", "")
        yield f"<li>body: <code>{escape(media_type)}</code> {escape(name)}</li>"


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    about = escape(operation.get("description") or operation.get("summary") or "")
    answers = "; ".join(
        f"<b>{code}</b> {escape(answer.get('description', ''))}"
        for code, answer in sorted(operation.get("responses", {}).items())
    )
    items = "".join(_parameters(operation))
    head = f"<h3><code>{method.upper()} {escape(path)}</code></h3><p>{about}</p>"
    return f"<section>{head}{f'<ul>{items}</ul>' if items else ''}<p class='answers'>{answers}</p></section>\n"


class PlainPage(OpenAPIRenderPlugin):
    """`/api/docs`."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request, openapi_schema: dict[str, Any]) -> bytes:
        """The page as UTF-8 HTML; paths in alphabetical order."""
        sections = [
            _operation(method, path, item[method])
            for path, item in sorted(openapi_schema["paths"].items())
            for method in METHODS
            if method in item
        ]
        page = HEAD.format(schema=escape(self.get_openapi_json_route(request))) + "".join(sections)
        return (page + "</main>\n</body>\n</html>\n").encode()
