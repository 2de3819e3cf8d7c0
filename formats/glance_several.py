"""A look at several files that would be read as one: the columns of each, and the records of the first ones."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from formats.csv.reader import Reader
from formats.files.expansion import expand
from formats.files.location import Location
from formats.glance import GLANCE_BYTES, Glance, glance
from formats.joined.members import look_at
from formats.joined.source import JoinedSource
from formats.reading import find_dialect, is_several, together
from formats.registry import open_source
from formats.source import Source

HELD = 16  # files at most, of which the beginning is held, if they can't be read where they lie
LATER_BYTES = 1 << 20  # of each of them but the first


def glance_at(
    names: Sequence[Location], max_record_bytes: int, dialect: Mapping[str, Any]
) -> tuple[Glance, list[Location]]:
    """As `glance`, of a file; of several files, folders and patterns as `read_inputs` has them. Their source ends where
    the first of them is not read any further. And the files. Raises InputError, for a file with other columns too."""
    if len(names) == 1 and not is_several(names[0]):
        return glance(names[0], max_record_bytes, dialect), [names[0]]
    locations = expand(names)
    found = find_dialect(locations[0], dialect)
    numbers = {location: number for number, location in enumerate(locations)}
    glances: dict[int, Glance] = {}

    def begin(location: Location) -> Source:
        number = numbers[location]
        each = glance(location, max_record_bytes, found, LATER_BYTES if number else GLANCE_BYTES)
        keeps = each.held is None or number < HELD
        glances[number] = each if keeps else each._replace(held=None, whole=False, share=0.0)
        return each.source

    members = look_at(locations, [os.fsdecode(location) for location in locations], begin)
    looks = [glances[number] for number in range(len(locations))]
    end = next((number for number, each in enumerate(looks) if not each.whole), len(looks))
    cut = end < len(looks) and looks[end].held is not None
    read = looks[: end + cut]
    is_copied = any(each.is_copied for each in looks)

    def again(location: Location) -> Source:
        each = glances[numbers[location]]
        how = found.copied if each.is_copied else found
        return (
            Reader(location, max_record_bytes, how, each.held)
            if each.held
            else open_source(location, max_record_bytes, how)
        )

    source = JoinedSource(together(names, locations), members[: len(read)], again)
    size = sum(each.size for each in looks)
    whole = len(read) == len(looks) and not cut
    return Glance(
        source,
        max_record_bytes,
        found,
        next((each.container for each in looks if each.container), ""),
        size,
        max(each.mtime_ns for each in looks),
        source.version,
        None if whole else read[-1].held or looks[end].held,
        whole,
        sum(each.share * each.size for each in read) / max(1, size),
        is_copied,
        sum(each.unpack_seconds for each in read),
        sum(member.size for member in members[:end]),
    ), locations
