"""Where a command reads or writes: a path, or the URL of an object."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from formats.files.location import Location
    from producer.outputs.wanted import Output


class Place(click.ParamType["Location"]):
    """As `click.Path`, which would make one slash of the two in s3://. Whoever opens it says what is wrong with it."""

    name = "PATH|URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Location":
        from formats.errors import InputError
        from formats.files.location import locate

        try:
            return value if isinstance(value, Path) else locate(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


class ScoresPlace(click.ParamType["Output"]):
    """A file or an object, or, with a slash at its end or where a directory is, a folder with parts."""

    name = "PATH|URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Output":
        from formats.errors import InputError
        from producer.outputs.wanted import Folder, parse_output

        try:
            place = parse_output(value)
        except InputError as error:
            self.fail(str(error), param, ctx)
        return Folder(place) if isinstance(place, Path) and place.is_dir() else place


class OutputPlace(ScoresPlace):
    """The same, to be written: parts are what somebody has to ask for."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Output":
        from producer.outputs.wanted import Folder

        place = super().convert(value, param, ctx)
        if isinstance(place, Folder) and isinstance(value, str) and not value.endswith("/"):
            self.fail(f"File {value!r} is a directory; with a slash at its end it gets parts.", param, ctx)
        return place
