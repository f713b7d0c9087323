"""Label Studio's JSON export: tasks, each with a picture and what somebody chose for it.

Knows no files: a task becomes a record with a path, a label and why it has none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

_PICTURE_KEYS = ("image", "img", "picture", "photo", "path", "url")
_LOCAL, _UPLOADED = "/data/local-files/", "/data/upload/"
_UPLOAD_HASH = re.compile(r"[0-9a-f]{8}-(?=.)")  # before the name of an uploaded file
_MARK = "data"
NO_LABEL, NO_CHOICE = "not labelled yet", "annotated, but not by a choice"

Task = Mapping[str, Any]


def are_tasks(objects: Sequence[Task]) -> bool:
    """Whether objects are tasks, each with its data, and not plain records."""
    return bool(objects) and all(isinstance(each.get(_MARK), dict) for each in objects)


def record_of(task: Task) -> dict[str, Any]:
    """A task as a record: path, label, excluded; a label is a list where several were chosen."""
    labels, is_annotated = _chosen(task)
    reason = "" if labels else NO_CHOICE if is_annotated else NO_LABEL
    record = {"path": _picture(task[_MARK]), "label": labels or "", "excluded": reason}
    split = task[_MARK].get("split")
    return {**record, "split": split} if isinstance(split, str) else record


def path_of(address: str) -> str:
    """Where the picture is that Label Studio calls so: below a folder, or an address of its own.

    A file that lies beside Label Studio is named below its document root, an uploaded one by its
    name alone. Any other path stays as it is.
    """
    parts = urlsplit(address)
    if parts.path.startswith(_LOCAL):
        return parse_qs(parts.query).get("d", [""])[0]
    if not parts.scheme and parts.path.startswith(_UPLOADED):
        return unquote(parts.path).rpartition("/")[2]
    return address


def uploaded_name(path: str) -> str:
    """The name that an uploaded file had before: without Label Studio's hash."""
    return _UPLOAD_HASH.sub("", path, count=1)


def task_of(number: int, address: str, label: str, split: str) -> dict[str, Any]:
    """A task with one choice, as Label Studio imports it.

    Args:
        number: Of the task.
        address: Below the document root, or of its own.
        label: That was chosen; "" for none.
        split: Kept beside the picture; "" for none.
    """
    image = address if "://" in address else f"{_LOCAL}?d={quote(address)}"
    data = {"image": image, **({"split": split} if split else {})}
    return {"id": number, _MARK: data, "annotations": [_annotation(label)] if label else []}


def _annotation(label: str) -> dict[str, Any]:
    choice = {
        "from_name": "label",
        "to_name": "image",
        "type": "choices",
        "value": {"choices": [label]},
    }
    return {"result": [choice]}


def _picture(data: Mapping[str, Any]) -> str:
    """The value that names the picture: by its key, else the first text."""
    named = [data.get(key) for key in _PICTURE_KEYS]
    return next((each for each in (*named, *data.values()) if isinstance(each, str) and each), "")


def _chosen(task: Task) -> tuple[list[str], bool]:
    """Different labels that were chosen, and whether there is any annotation at all."""
    results = [result for each in _annotations(task) for result in _list(each.get("result"))]
    values = [each.get("value") for each in results if isinstance(each, dict)]
    choices = [value.get("choices") for value in values if isinstance(value, dict)]
    labels = dict.fromkeys(str(label) for each in choices for label in _list(each))
    return list(labels), bool(results)


def _annotations(task: Task) -> Iterable[Mapping[str, Any]]:
    found = task.get("annotations", task.get("completions"))
    objects = (each for each in _list(found) if isinstance(each, dict))
    return (each for each in objects if not each.get("was_cancelled"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
