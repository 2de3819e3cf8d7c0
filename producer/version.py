"""Which version of Nightshift this is."""

from importlib import metadata

DISTRIBUTION = "nightshift-scoring"  # `nightshift` on the public index is another program


def version() -> str | None:
    """None if it runs from a tree that was never installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
