"""What `--output` names: a file, an object, or a folder for parts."""

from dataclasses import dataclass

from formats.files.location import Location, is_url, locate


@dataclass(frozen=True, slots=True)
class Folder:
    """An output that is wanted as parts: a path or URL with a slash at its end."""

    place: Location

    def __str__(self) -> str:
        return f"{self.place}/"


Output = Location | Folder


def parse_output(text: str | Output) -> Output:
    """Raises InputError for a URL of nothing that can be written here."""
    if not isinstance(text, str):
        return text
    place = locate(text if is_url(text) else text.rstrip("/") or "/")
    return Folder(place) if text.endswith("/") else place
