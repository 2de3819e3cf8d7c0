"""A night's files that are scored together: what each is, and what becomes of their scores when some are gone."""

from formats.files.listing import Look, look
from formats.shown import shown
from producer.nightly.files import File
from producer.nightly.note import Note, Subject


def look_at(file: File) -> tuple[Look, dict[str, list[int]]] | None:
    """What a file is; of several the sum of their sizes, the last modification, and each one's size and time by its
    name. None if one is not there. Raises InputError if a storage does not say."""
    if file.parts is None:
        found = look(file.path)
        return (found, {}) if found else None
    looks = [seen for part in file.parts if (seen := look(part))]
    if not looks or len(looks) < len(file.parts):
        return None
    whole = Look(sum(each.size for each in looks), max(each.mtime_ns for each in looks))
    return whole, {name: list(each) for name, each in zip(file.names(), looks, strict=True)}


def lost(file: File, subject: Subject, note: Note) -> str:
    """Why a night is not scored again whose scores have records of files that are gone; empty if it may be."""
    if note.state != "complete" or note.subject is None or note.subject.covers(subject):
        return ""
    gone = note.subject.files.keys() - subject.files.keys()
    if not gone or not note.is_whole(file.output):
        return ""
    news = sorted(name for name, look in subject.files.items() if note.subject.files.get(name) != look)
    what = f"{shown(news)} came or changed" if news else "the model or a setting changed"
    return f"{what} after it was scored, and {shown(sorted(gone))} of then is gone: its scores stay as they are"
