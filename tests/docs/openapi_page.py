"""Makes the emulator's page of openapi.yaml: `python -m tests.docs.openapi_page` writes it anew.

The page is a file of the package, so that an emulator needs no reader of YAML. Nothing in it leads elsewhere: it has no
script, no picture and no font.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "openapi.yaml"
PAGE = REPOSITORY / "emulator" / "queue_emulator" / "web" / "openapi.html"

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h2 { border-bottom: 1px solid #8886; margin-top: 3rem; }
h3 { margin: 2rem 0 0; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { background: #8882; border-radius: 4px; overflow-x: auto; padding: .6rem .8rem; }
table { border-collapse: collapse; margin: .5rem 0; }
td, th { border: 1px solid #8886; padding: .2rem .6rem; text-align: left; vertical-align: top; }
nav li { list-style: none; }
summary { cursor: pointer; }
:target { background: #fd02; }
"""

Json = Any


def page(description: Mapping[str, Json]) -> str:
    """The whole page."""
    info, paths, components = description["info"], description["paths"], description["components"]
    operations = [
        (method.upper(), path, {**each, "parameters": item.get("parameters", [])})
        for path, item in paths.items()
        for method, each in item.items()
        if method != "parameters"
    ]
    parts = [
        f"<h1>{_text(info['title'])} <small>{_text(info['version'])}</small></h1>",
        f"<p>{_inline(info['summary'])} <a href='openapi.yaml'>openapi.yaml</a></p>",
        _prose(info["description"]),
        "<nav><ul>",
        *(
            f"<li><a href='#{each['operationId']}'>{_route(m, p)}</a> {_inline(each['summary'])}</li>"
            for m, p, each in operations
        ),
        "</ul></nav>",
        "<h2>Routes</h2>",
        *(line for method, path, each in operations for line in _operation(method, path, each, components)),
        "<h2>Schemas</h2>",
        *(line for name, schema in components["schemas"].items() for line in _schema(name, schema)),
    ]
    head = f"<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n<title>{_text(info['title'])}</title>\n"
    return (
        f"{head}<meta name='viewport' content='width=device-width'>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n"
    )


def _operation(method: str, path: str, operation: Mapping[str, Json], components: Mapping[str, Json]) -> Iterator[str]:
    yield f"<h3 id='{operation['operationId']}'>{_route(method, path)}</h3>"
    yield f"<p><b>{_inline(operation['summary'])}</b></p>"
    yield _prose(operation["description"])
    (scheme,) = (name for each in operation["security"] for name in each)
    key = _inline(components["securitySchemes"][scheme]["description"])
    yield f"<p>Needs the header <code>X-API-Key</code>: {key}.</p>"
    for parameter in (_resolved(each, components) for each in operation["parameters"]):
        said = _inline(parameter["description"])
        yield f"<p><code>{parameter['name']}</code>: {said}, {_kind(parameter['schema'])}.</p>"
    if "requestBody" in operation:
        yield from _contents("Body", operation["requestBody"]["content"])
    for status, response in operation["responses"].items():
        found = _resolved(response, components)
        yield f"<details><summary><b>{status}</b> {_inline(found['description'].splitlines()[0])}</summary>"
        yield _prose(found["description"])
        yield from _contents("Answer", found["content"])
        yield "</details>"


def _contents(what: str, contents: Mapping[str, Json]) -> Iterator[str]:
    for media_type, content in contents.items():
        yield f"<p>{what}, <code>{media_type}</code>: {_kind(content['schema'])}</p>"
        examples = [(each["summary"], each["value"]) for each in content.get("examples", {}).values()]
        for summary, value in examples or [("For example", content["example"])]:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
            yield f"<p>{_inline(summary)}:</p><pre>{_text(shown)}</pre>"


def _schema(name: str, schema: Mapping[str, Json]) -> Iterator[str]:
    yield f"<h3 id='schema-{name}'><code>{name}</code></h3>"
    if "description" in schema:
        yield _prose(schema["description"])
    if "properties" not in schema:
        yield f"<p>{_kind(schema)}</p>"
        return
    yield "<table><tr><th>member</th><th>required</th><th>what</th></tr>"
    for member, part in schema["properties"].items():
        required = "yes" if member in schema.get("required", ()) else ""
        said = f". {_inline(part['description'])}" if "description" in part else ""
        yield f"<tr><td><code>{member}</code></td><td>{required}</td><td>{_kind(part)}{said}</td></tr>"
    yield "</table>"
    if schema.get("additionalProperties"):
        yield "<p>Other members may be there, and are kept.</p>"


def _kind(schema: Mapping[str, Json]) -> str:
    """A schema in a few words, with its limits; others by a link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#schema-{name}'>{name}</a>"
    for word, joint in (("oneOf", " or "), ("allOf", " and ")):
        if word in schema:
            return joint.join(map(_kind, schema[word]))
    if "const" in schema:
        return f"<code>{_text(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " or ".join(f"<code>{_text(json.dumps(each))}</code>" for each in schema["enum"])
    limits = [f"{said} <code>{_text(str(schema[word]))}</code>" for word, said in _LIMITS.items() if word in schema]
    kind = schema.get("type", "any JSON")
    if kind == "array":
        kind = f"array of {_kind(schema['items'])}"
    if kind == "object" and "properties" in schema:
        members = [f"<code>{name}</code> ({_kind(part)})" for name, part in schema["properties"].items()]
        kind = f"object of {', '.join(members)}"
    return ", ".join([kind, *limits])


_LIMITS = {
    "pattern": "matching",
    "format": "format",
    "minLength": "length at least",
    "maxLength": "length at most",
    "minimum": "at least",
    "maximum": "at most",
    "minItems": "items at least",
    "maxItems": "items at most",
    "default": "default",
}


def _resolved(node: Mapping[str, Json], components: Mapping[str, Json]) -> Mapping[str, Json]:
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].removeprefix("#/components/").split("/")
    found: Mapping[str, Json] = components[kind][name]
    return found


def _route(method: str, path: str) -> str:
    return f"<code>{method} {_text(path)}</code>"


def _prose(markdown: str) -> str:
    """The few things of Markdown that openapi.yaml uses: paragraphs, code and bold."""
    return "\n".join(f"<p>{_inline(part)}</p>" for part in markdown.strip().split("\n\n"))


def _inline(markdown: str) -> str:
    coded = re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(markdown.strip()))
    return re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", coded)


def _text(text: str) -> str:
    return html.escape(text)


if __name__ == "__main__":
    PAGE.write_text(page(yaml.safe_load(SOURCE.read_text("utf-8"))), "utf-8")
