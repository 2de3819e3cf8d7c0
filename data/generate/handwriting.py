"""How people type to those they know: in lower case, with no full stop, a slip of the finger or one more emoji."""

from __future__ import annotations

import re

from data.generate.grammar import Draw, pick

_WORD = re.compile(r"(?<![\w/.])[a-z]{4,9}(?![\w/.:@])")
_EMOJI = ["😂", "😊", "👍", "🙏", "😅", "🥲", "👀", "🎂", "☕", "🐱", "🌧️", "❤️‍🩹", "👨‍👩‍👧", "🏃‍♀️"]


def typed(text: str, draw: Draw) -> str:
    """Return the text as somebody in a hurry would have typed it, or, often enough, just as it was."""
    habit = draw()
    if habit < 0.25:
        # Links are left alone, since their paths tell capitals from small letters.
        return text.rstrip(".。") if "://" in text else text.lower().rstrip(".。")
    if habit < 0.4:
        return text.rstrip(".。")
    if habit < 0.5:
        return f"{text} {pick(_EMOJI, draw)}"
    if habit < 0.56:
        return _slip(text, draw)
    return text


def _slip(text: str, draw: Draw) -> str:
    """Swap two neighbouring letters inside one of the words."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = pick(words, draw)
    position = word.start() + 1 + int(draw() * (len(word[0]) - 2))
    return text[:position] + text[position + 1] + text[position] + text[position + 2 :]
