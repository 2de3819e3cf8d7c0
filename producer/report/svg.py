"""Plots as inline SVG: text that is text, colours by CSS class, so that they follow the page's light or dark.

Each plot is drawn twice, for wide and for narrow screens, and CSS shows one: text that is scaled down can't be read.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from producer.report.axes import Axis
from producer.report.text import plain


@dataclass(frozen=True, slots=True)
class Size:
    """In CSS pixels, at which text has its nominal size."""

    width: int
    height: int
    narrow: bool


WIDE, NARROW = 660, 330
ABOVE, BELOW = 44, 46  # pixels above and below the plot, for its labels
LETTER = 7.6  # pixels an average letter is wide, generously
NAME = 230.0  # pixels for the name of a bar, at most


@dataclass(slots=True)
class Plot:
    """A frame with two axes, and marks in the order in which they are drawn."""

    size: Size
    across: Axis
    up: Axis
    marks: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        return 14 + max((_wide(text) for _, text in self.up.ticks), default=0)

    def x(self, value: float) -> float:
        return self.left + self.across.at(value) * (self.size.width - self.left - 14)

    def y(self, value: float) -> float:
        return self.size.height - BELOW - self.up.at(value) * (self.size.height - BELOW - ABOVE)

    def bar(self, start: float, end: float, value: float, kind: str) -> None:
        """From the axis up to `value`; one of zero is not drawn."""
        if value > 0:
            left, right, top = self.x(start), self.x(end), self.y(value)
            gap = 1 if right - left > 4 else 0
            self.marks.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{max(right - left - gap, 0.6):.1f}" '
                f'height="{self.y(self.up.low) - top:.1f}"/>'
            )

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.marks.append(f'<polyline class="{kind}" points="{path}"/>')

    def dot(self, x: float, y: float) -> None:
        self.marks.append(f'<circle class="mark" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="4.5"/>')

    def rule(self, value: float, text: str) -> None:
        """A dashed upright with a text at its top, on the side that has room."""
        x = self.x(value)
        self.marks.append(
            f'<line class="rule" x1="{x:.1f}" y1="34" x2="{x:.1f}" y2="{self.y(self.up.low):.1f}"/>'
            + _label(x, 29, text, self.size.width)
        )

    def level(self, value: float, text: str) -> None:
        """A dashed line across; its text at the top right, off the bars."""
        y, end = self.y(value), self.size.width - 14
        self.marks.append(
            f'<line class="rule" x1="{self.left:.1f}" y1="{y:.1f}" x2="{end}" y2="{y:.1f}"/>'
            f'<text class="strong" x="{end}" y="29" text-anchor="end">{plain(text)}</text>'
        )

    def note(self, x: float, y: float, text: str) -> None:
        """Beside a point, on the side that has room."""
        left = self.x(x) > self.size.width / 2
        self.marks.append(
            f'<text class="halo" x="{self.x(x) + (-9 if left else 9):.1f}" y="{self.y(y) - 9:.1f}" '
            f'text-anchor="{"end" if left else "start"}">{plain(text)}</text>'
        )

    def draw(self) -> str:
        bottom, end = self.y(self.up.low), self.size.width - 14
        parts = []
        for value, text in self.up.ticks:
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{self.left:.1f}" y1="{y:.1f}" x2="{end}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{self.left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{plain(text)}</text>')
        parts += self.marks
        parts.append(f'<line class="axis" x1="{self.left:.1f}" y1="{bottom:.1f}" x2="{end}" y2="{bottom:.1f}"/>')
        for value, text in self.across.ticks:
            x, half = self.x(value), _wide(text) / 2
            anchor = "end" if x + half > self.size.width else "middle"
            place = self.size.width - 1 if anchor == "end" else x
            parts.append(f'<line class="axis" x1="{x:.1f}" y1="{bottom:.1f}" x2="{x:.1f}" y2="{bottom + 4:.1f}"/>')
            parts.append(f'<text x="{place:.1f}" y="{bottom + 18:.1f}" text-anchor="{anchor}">{plain(text)}</text>')
        middle = (self.left + end) / 2
        parts.append(
            f'<text class="label" x="{middle:.1f}" y="{self.size.height - 6}" text-anchor="middle">'
            f"{plain(self.across.label)}</text>"
        )
        parts.append(f'<text class="label" x="0" y="12">{plain(self.up.label)}</text>')
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Bar:
    """A horizontal bar: what it is of, its parts (value, colour class), and the text at its end."""

    name: str
    parts: Sequence[tuple[float, str]]
    text: str


def bars(size: Size, rows: Sequence[Bar], high: float | None = None) -> str:
    """Horizontal bars, a row each; on a narrow screen the name stands above its bar. `high`: the longest possible."""
    most = high or max((sum(value for value, _ in row.parts) for row in rows), default=0) or 1
    tail = 10 + max((_wide(row.text) for row in rows), default=0)
    longest = max((_wide(row.name) for row in rows), default=0)
    start = 0.0 if size.narrow else 10 + min(longest, NAME)
    room = size.width - start - tail
    step = row_height(size)
    parts = []
    for index, row in enumerate(rows):
        top = index * step + (18 if size.narrow else 3)
        name = _fit(row.name, size.width if size.narrow else NAME)
        if size.narrow:
            parts.append(f'<text x="0" y="{top - 5}">{plain(name)}</text>')
        else:
            parts.append(f'<text x="{start - 8:.1f}" y="{top + 13}" text-anchor="end">{plain(name)}</text>')
        x = start
        parts.append(f'<rect class="track" x="{start:.1f}" y="{top}" width="{room:.1f}" height="18"/>')
        for value, kind in row.parts:
            width = value / most * room
            if width > 0:
                parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{top}" width="{max(width, 0.8):.1f}" height="18"/>')
            x += width
        parts.append(f'<text x="{size.width}" y="{top + 13}" text-anchor="end">{plain(row.text)}</text>')
    return "".join(parts)


def row_height(size: Size) -> int:
    return 44 if size.narrow else 26


def both(name: str, title: str, description: str, height: Callable[[bool], int], draw: Callable[[Size], str]) -> str:
    """The wide and the narrow drawing, each with title and description for who can't see it. `name` is for ids."""
    found = []
    for narrow in (False, True):
        size = Size(NARROW if narrow else WIDE, height(narrow), narrow)
        kind = "narrow" if narrow else "wide"
        key = f"{name}-{kind}"
        found.append(
            f'<svg class="{kind}" viewBox="0 0 {size.width} {size.height}" role="img" '
            f'aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">{plain(title)}</title>'
            f'<desc id="{key}-desc">{plain(description)}</desc>{draw(size)}</svg>'
        )
    return "".join(found)


def _wide(text: str) -> float:
    """About how many pixels a text takes: nobody knows the reader's fonts."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    broad = sum(character in "mwMW@%<>=+~#&" for character in text)
    return LETTER * len(text) + 6 * wide + 4 * broad


def _fit(text: str, width: float) -> str:
    if _wide(text) <= width:
        return text
    while text and _wide(text) > width - LETTER:
        text = text[:-1]
    return text + "…"


def _label(x: float, y: float, text: str, width: int) -> str:
    """Centred at x, or pushed to where it fits."""
    half = _wide(text) / 2
    x = min(max(x, half), width - half)
    return f'<text class="strong" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{plain(text)}</text>'
