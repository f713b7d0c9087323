"""The same pictures as people have them: a folder as a table, an archive, a bucket, an export."""

import json
import shutil

import fsspec
import pytest


def csv(folder):
    lines = ["Path;Class;Split"]
    for path in sorted(folder.rglob("*.png")):
        part, label, _ = path.relative_to(folder).parts
        lines.append(f"{path.relative_to(folder)};{label};{part.upper()}")
    (folder / "labels.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    return folder / "labels.csv"


def json_lines(folder):
    records = [
        {"image": str(path.relative_to(folder)), "label": path.parts[-2], "split": path.parts[-3]}
        for path in sorted(folder.rglob("*.png"))
    ]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder / "labels.jsonl"


def parquet(folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    records = [json.loads(line) for line in json_lines(folder).read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(records), folder / "labels.parquet")
    return folder / "labels.parquet"


def archive(folder):
    return shutil.make_archive(str(folder), "zip", folder)


def wrapped_archive(folder):
    return shutil.make_archive(str(folder) + "-2", "zip", folder.parent, "photos")


def bucket(folder):
    memory = fsspec.filesystem("memory")
    for path in folder.rglob("*.*"):
        memory.pipe(f"/bucket-of-tests/{path.relative_to(folder)}", path.read_bytes())
    return "memory://bucket-of-tests"


def imagefolder(folder):
    """Hugging Face's layout: pictures in any order, a table for each split that lies beside them."""
    root = folder.with_name("hub")
    for part in ("train", "test"):
        lines = ["file_name,label,note"]
        for path in sorted((folder / part).rglob("*.*")):
            name = path.relative_to(folder / part)
            (root / part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / part / name)
            if path.suffix == ".png":
                lines.append(f'{name},{name.parts[0]},"a, b"')
        (root / part / "metadata.csv").write_text("\n".join(lines))
    return root


def label_studio(folder):
    tasks = [
        {
            "id": number,
            "data": {"image": f"/data/local-files/?d=photos/{path.relative_to(folder)}",
                     "split": path.parts[-3]},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": [path.parts[-2]]}}]}],
        }
        for number, path in enumerate(sorted(folder.rglob("*.png")))
    ]  # fmt: skip
    (folder / "export.json").write_text(json.dumps(tasks))
    return folder / "export.json"


def s3(folder):
    """In a bucket of the account that the test has entered."""
    pytest.importorskip("s3fs", reason="needs the extra s3")
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    system.mkdir("photos-of-tests", region_name="eu-central-1")
    system.put(f"{folder}/", "photos-of-tests/data/", recursive=True)
    return "s3://photos-of-tests/data"
