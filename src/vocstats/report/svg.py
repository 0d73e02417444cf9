"""A little SVG: elements as escaped markup, styled by the classes of the page."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup, escape


@dataclass(slots=True)
class Drawing:
    """One inline SVG. Colours come from the classes of the style sheet, so that dark mode and print apply.

    Attributes
    ----------
    width, height : float
        Size of the view box.
    title : str
        What a screen reader says.
    name : str
        Unique on the page; prefix of the pattern's id. Empty: no pattern, for small drawings that come by the hundred.
    style : str
        Class of the whole.
    """

    width: float
    height: float
    title: str
    name: str
    style: str = "full"
    parts: list[Markup] = field(default_factory=list)

    def add(self, tag: str, content: str | None = None, *, hover: str = "", **attributes: object) -> None:
        """Append an element; underscores in attribute names become hyphens, text and values are escaped; `hover` is shown on pointing."""
        pairs = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items())
        inside = f"<title>{escape(hover)}</title>" if hover else "" if content is None else str(escape(content))
        self.parts.append(Markup(f"<{tag}{pairs}>{inside}</{tag}>" if inside else f"<{tag}{pairs}/>"))

    def text(self, x: float, y: float, content: str, *, style: str = "", anchor: str = "start") -> None:
        """A line of text."""
        self.add("text", content, x=x, y=y, class_=f"t {style}".strip(), text_anchor=anchor)

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """A straight line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=style)

    def bar(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """A rectangle; with the class ``hatched`` it is filled with diagonal lines."""
        hatch = {"fill": f"url(#{self.name}-hatch)"} if "hatched" in style.split() else {}
        self.add("rect", x=x, y=y, width=max(width, 0.0), height=height, class_=style, **hatch)

    def dot(self, x: float, y: float, radius: float, style: str) -> None:
        """A circle."""
        self.add("circle", cx=x, cy=y, r=radius, class_=style)

    def render(self) -> Markup:
        """The drawing as markup."""
        identity = escape(self.name)
        pattern = Markup(
            f'<defs><pattern id="{identity}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<line x1="0" y1="0" x2="0" y2="5" class="hatch"/></pattern></defs>'
        )
        box = f"0 0 {_short(self.width)} {_short(self.height)}"
        head = Markup('<svg class="chart {}" viewBox="{}" role="img" aria-label="{}">').format(self.style, box, self.title)
        return head + (pattern if self.name else Markup()) + Markup("").join(self.parts) + Markup("</svg>")


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text_width(text: str) -> float:
    """About how wide a line of text is at the size of the charts' labels."""
    return sum(13.0 if ord(character) > 0x2E7F else 7.0 for character in text)


def fitted(text: str, room: float) -> str:
    """A text that fits into `room`: cut with an ellipsis where it is too long."""
    if text_width(text) <= room:
        return text
    while text and text_width(text) > room - 9.0:
        text = text[:-1]
    return f"{text.rstrip()}…"
