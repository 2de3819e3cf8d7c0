"""CSV: where records end, what their fields hold, and how rows are written."""
