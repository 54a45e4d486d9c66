"""SVG as text: elements by layer, and text that is broken where it would be too wide."""

import re
from enum import IntEnum
from html import escape

_MONO_EM, _SANS_EM = 0.64, 0.58  # how wide a character is, of the widest of the usual fonts, in whole pixels


class Layer(IntEnum):
    """What lies above what, the lowest first."""

    GROUND = 0
    BOXES = 1
    LINES = 2
    TEXT = 3


class Canvas:
    """Elements, each in its layer. Numbers are pixels."""

    def __init__(self) -> None:
        self._layers: dict[Layer, list[str]] = {layer: [] for layer in Layer}

    def add(self, layer: Layer, name: str, text: str | None = None, **attributes: object) -> None:
        """An element; `class_` and `stroke_width` become class and stroke-width."""
        said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
        end = "/>" if text is None else f">{escaped(text)}</{name}>"
        self._layers[layer].append(f"<{name}{said}{end}")

    def text(self, x: float, y: float, text: str, class_: str = "", anchor: str = "start", **more: object) -> None:
        at = {} if anchor == "start" else {"text_anchor": anchor}
        self.add(Layer.TEXT, "text", text, x=x, y=y, **({"class_": class_} if class_ else {}), **at, **more)

    def line(self, x1: float, y1: float, x2: float, y2: float, class_: str, layer: Layer = Layer.LINES) -> None:
        self.add(layer, "path", d=f"M{_value(x1)} {_value(y1)}L{_value(x2)} {_value(y2)}", class_=class_)

    def rect(self, layer: Layer, x: float, y: float, width: float, height: float, class_: str, rx: float = 0) -> None:
        self.add(layer, "rect", x=x, y=y, width=width, height=max(0.0, height), rx=rx, class_=class_)

    def dot(self, x: float, y: float, class_: str, radius: float = 3.5) -> None:
        self.add(Layer.LINES, "circle", cx=x, cy=y, r=radius, class_=class_)

    def __str__(self) -> str:
        return "\n".join(element for layer in Layer for element in self._layers[layer])


def escaped(text: str) -> str:
    """Text as it may stand in XML, without control characters, lone surrogates and marks that reorder it."""
    return escape(_NOT_XML.sub("\ufffd", text), quote=False)


def mono_px(text: str, size: float) -> float:
    """How wide a text of fixed pitch is."""
    return len(text) * size * _MONO_EM


def fitted(text: str, width_px: float, size: float, *, mono: bool = False) -> str:
    """The text, or as much of its beginning and end as there is room for."""
    room = max(5, int(width_px / (size * (_MONO_EM if mono else _SANS_EM))))
    if len(text) <= room:
        return text
    end = (room - 1) // 2
    return f"{text[: room - 1 - end]}…{text[-end:]}"


def wrapped(text: str, width_px: float, size: float) -> list[str]:
    """The text in lines, broken between words."""
    room = int(width_px / (size * _SANS_EM))
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(_NOT_XML.sub("\ufffd", str(value)))


_NOT_XML = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
