"""Writes the sample messages: ``python -m data.generate`` makes messages.csv and labelled.csv again, byte for byte.

``stream`` makes as many more as a benchmark wants. All of it is invented: templates and words written for this project,
in the TOML files beside this module, filled by a seeded random generator.
"""

from data.generate.night import LabelledText, Message, labelled, messages, stream

__all__ = ["LabelledText", "Message", "labelled", "messages", "stream"]
