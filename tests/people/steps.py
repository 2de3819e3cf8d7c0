"""Steps as a test types them."""

from typing import Any

from tests.people.oracle import Options


def put(text: str, name: str = "a.csv") -> dict[str, Any]:
    return {"do": "put", "input": name, "text": text}


def enqueue(name: str = "a.csv", **changes: object) -> dict[str, Any]:
    flags = dict.fromkeys(("again", "json", "quiet", "elsewhere"), False)
    return {"do": "enqueue", "input": name, **Options()._asdict(), "output": "", "wait": True, **flags, **changes}


def retry(model: str = "", job: int = 0) -> dict[str, Any]:
    return {"do": "retry", "job": job, "model": model}
