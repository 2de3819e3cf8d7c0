"""Where a command reads or writes: a path, or the URL of an object."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from formats.files.location import Location


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


class OutputPlace(Place):
    """No directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Location":
        place = super().convert(value, param, ctx)
        if isinstance(place, Path) and place.is_dir():
            self.fail(f"File {str(place)!r} is a directory.", param, ctx)
        return place
