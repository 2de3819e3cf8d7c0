"""The terminal: what rich draws there is text. Styles are rich's objects, never markup within a text."""

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from formats.harmless import shown


class Terminal(Console):
    """A console that takes each string for text that a stranger may have written."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool | None = None) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap or False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich's, without its markup, and without what would act on the terminal."""
        return super().render_str(shown(text), **{**options, "markup": False, "emoji": False})


def standard_output() -> Terminal:
    """Elsewhere than on a terminal no line is wrapped."""
    return Terminal(soft_wrap=not sys.stdout.isatty())
