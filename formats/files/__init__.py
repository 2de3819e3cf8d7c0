"""Files as bytes, wherever they are: on a disk, or in object storage."""
