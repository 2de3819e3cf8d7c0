"""What can be wrong with a graph."""

from formats.errors import NightshiftError


class GraphError(NightshiftError):
    """The model file is no frozen graph, or its placeholders and outputs don't fit the job."""
