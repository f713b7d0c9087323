"""Batch prediction: a folder in, a table out; killed and started again it goes on.

One bad image is a row with its error. Answers are appended to `OUT.partial`, in the order of the
files; after the last one the table is written whole. Only names and hashes are held in memory.
"""

from pathlib import Path

from scenelet.artefacts import explained
from scenelet.bundle.contract import LITERT
from scenelet.errors import SceneletError
from scenelet.files import pictures, read
from scenelet.names import printable
from scenelet.parallel import Advance, in_parallel, silent
from scenelet.serve.partial import HASH, Partial, file_hash
from scenelet.serve.predictor import Predictor
from scenelet.serve.tables import Row, Write, writer_of


def predict_folder(
    predictor: Predictor, folder: Path, out: Path, advance: Advance = silent
) -> tuple[int, int]:
    """Answer every picture below a folder, or go on where a killed process stopped.

    Args:
        predictor: With as many copies as cores.
        folder: Of pictures.
        out: .parquet, .csv or .jsonl file to write; whole or not at all.
        advance: Called after each picture.

    Returns:
        Rows in the table, and those of them with an error.

    Raises:
        ConfigError: Another kind of table, or what is begun there is of another folder or bundle,
            or of other files.
        ArtefactError: It can't be written.
    """
    write = writer_of(out)
    model = predictor.model.contract.sha256[LITERT]
    head = {"folder": printable(str(folder.resolve())), "model": model}
    partial = Partial(out.with_name(out.name + ".partial"), head)
    with explained(out):
        names = partial.left(pictures(folder), lambda name: _hash_now(folder, name), advance)
        partial.append(in_parallel(lambda name: _row(predictor, folder, name), names, advance))
        return _write_whole(write, partial, out, predictor.class_names)


def _row(predictor: Predictor, folder: Path, name: str) -> Row:
    data = b""
    try:
        data = read(folder, name)
        answer = predictor.predict(data).as_dict()
    except SceneletError as error:
        answer = {"error": str(error)}
    return {"path": name, **answer, HASH: file_hash(data)}


def _hash_now(folder: Path, name: str) -> str:
    try:
        return file_hash(read(folder, name))
    except SceneletError:
        return file_hash(b"")  # as it was answered


def _write_whole(
    write: Write, partial: Partial, out: Path, names: tuple[str, ...]
) -> tuple[int, int]:
    errors: list[bool] = []

    def counted(row: Row) -> Row:
        errors.append("error" in row)
        return row

    whole = out.with_name(out.name + ".part")
    write(whole, map(counted, partial.rows()), names)
    whole.replace(out)
    partial.path.unlink()
    return len(errors), sum(errors)
