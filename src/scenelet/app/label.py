"""Label: one large picture at a time, the most useful first, a key a class."""

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st

from scenelet.answers import ask
from scenelet.app import tiles
from scenelet.app.kept import bundle_stamp, predictor, shown, thumbnail
from scenelet.app.parts import refused
from scenelet.app.sources import sources, started_with
from scenelet.artefacts import write_text
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.gather import class_name
from scenelet.dataset.labelled import LATER, LEFT_OUT, Act, Labels, as_table, merged, standing
from scenelet.dataset.row import Row
from scenelet.dataset.unlabelled import pictures_at
from scenelet.errors import MissingExtraError, SceneletError
from scenelet.files import Entry, account, paths_of
from scenelet.text import markdown

AT_ONCE, NEIGHBOURS, KEYS = 8, 3, 9
MOST = 5_000  # pictures that are looked at, drawn evenly from more
MERGED, TOO_MANY = "all.csv", "more than are looked at here"
_UNFIT = re.compile(r"[^\w -]")


@dataclass(frozen=True)
class Task:
    """What is labelled, and by whom.

    Attributes:
        place: Of the pictures.
        labels: Of this person.
        paths: Of all pictures that can be decoded.
        features: (n, features) of them.
    """

    place: str
    labels: Labels
    paths: tuple[str, ...]
    features: np.ndarray


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Label")
    if not asked.is_own:
        st.info(
            "These pages are open to others, so nothing is labelled from them. Start the app"
            " without --host.",
            icon=":material/lock:",
        )
        return
    place, who = _asked_for()
    if not place:
        st.caption(
            "Pictures that nobody has sorted become a table of labels, which every command takes."
            " No picture is moved or altered. Some ten labels a class, and the next pictures are"
            " chosen by what the model doubts."
        )
        return
    home = started_with().home / "labels" / (_UNFIT.sub("", Path(place).name) or "pictures")
    try:
        if find_spec("sklearn") is None:
            raise MissingExtraError("choosing pictures needs: pip install 'scenelet[train]'")
        with st.spinner("Looking at the pictures"):
            paths, features, told = _looked_at(asked.bundle, bundle_stamp(asked.bundle), place)
        st.caption(markdown(told))
        _labelling(Task(place, Labels(home / f"{who}.csv"), paths, features))
        _together(home, place)
    except SceneletError as error:
        refused(error, ":material/error:")


def _asked_for() -> tuple[str, str]:
    left, right = st.columns([3, 1])
    place = left.text_input(
        "Folder of pictures on this machine", placeholder="photos", key="unlabelled"
    )
    who = right.text_input("Your name", "me", key="labeller")
    return str(Path(place).expanduser()) if place else "", _UNFIT.sub("", who) or "me"


@st.cache_data(max_entries=2, show_spinner=False)
def _looked_at(
    bundle: str,
    stamp: int,  # noqa: ARG001  (another bundle, another stamp)
    place: str,
) -> tuple[tuple[str, ...], np.ndarray, str]:
    """Pictures of a folder, what the model sees in them, and a line about every file."""
    source = pictures_at(place)
    passed_over = list[Entry]()
    paths = sorted(paths_of(source.entries(), passed_over))
    some = paths[:: max(1, -(-len(paths) // MOST))]
    found = Dataset(source, tuple(Row(path, "?") for path in some)).examined()
    passed_over += (Entry(path, TOO_MANY) for path in set(paths) - set(some))
    told = account(len(found.used), (row.excluded for row in found.excluded), passed_over)
    rows = found.used
    model = predictor(bundle).model
    features = ask(model, rows, model.contract.preprocess).features if rows.rows else np.zeros(0)
    return tuple(row.path for row in rows.rows), features, told


def _labelling(task: Task) -> None:
    known = standing(task.labels.acts())
    classes = _classes(known.values())
    head = st.empty()
    labels = {
        place: classes.index(known[path].label)
        for place, path in enumerate(task.paths)
        if path in known and known[path].label
    }
    place = _next(task, known, labels)
    if place is None:
        st.success("Every picture has been asked about.", icon=":material/done_all:")
        _undo(task)
    else:
        _asking(task, known, labels, place)
    done = sum(1 for act in known.values() if not act.why)
    head.progress(
        min(1.0, len(known) / max(1, len(task.paths))),
        f"{done:,} labelled, of {len(task.paths):,} pictures",
    )


def _asking(task: Task, known: dict[str, Act], labels: dict[int, int], place: int) -> None:
    """Draw the keys before their picture, so that no key is still that of the one before."""
    from scenelet.explore.choosing import guess

    path, classes = task.paths[place], _classes(known.values())
    left, right = st.columns([3, 2], gap="large")
    with right:
        found = guess(task.features, labels, place)
        if found:
            st.markdown(f"Perhaps **{markdown(classes[found[0]])}** ({found[1]:.0%})")
        _neighbours(task, known, place, list(labels))
        _buttons(task, path, classes[found[0]] if found else "", classes)
    with left:
        content = pictures_at(task.place).read(path)
        alt = tiles.safe(path)
        style = "width:100%;max-height:60vh;object-fit:contain;border-radius:.5rem"
        st.html(f'<img src="{shown(content, 900)}" alt="{alt}" style="{style}">')
        st.caption(markdown(path))


def _classes(acts: Iterable[Act]) -> list[str]:
    """In the order in which they were first used, then those that were added."""
    used = dict.fromkeys(act.label for act in acts if act.label)
    return list(used | dict.fromkeys(st.session_state.setdefault("new-classes", [])))


def _next(task: Task, known: dict[str, Act], labels: dict[int, int]) -> int | None:
    """The place of the picture to ask about."""
    from scenelet.explore.choosing import suggest

    key = f"queue {task.labels.table}"
    queue = [each for each in st.session_state.get(key, []) if task.paths[each] not in known]
    if not queue:
        passed = {place for place, path in enumerate(task.paths) if path in known} - set(labels)
        queue = suggest(task.features, labels, frozenset(passed), AT_ONCE)
    st.session_state[key] = queue
    return queue[0] if queue else None


def _neighbours(task: Task, known: dict[str, Act], place: int, labelled: list[int]) -> None:
    """The labelled pictures most like it."""
    from scenelet.explore.choosing import nearest

    near = [task.paths[each] for each in nearest(task.features, place, labelled, NEIGHBOURS)]
    if near:
        st.caption("Labelled ones that are most like it")
        tiles.show(
            tiles.Tile(thumbnail(task.place, path), known[path].label, path) for path in near
        )


def _buttons(task: Task, path: str, guess: str, classes: list[str]) -> None:
    def say(label: str, why: str = "") -> Callable[[], None]:
        act = Act(path, label, why, task.labels.table.stem)
        return lambda: task.labels.say(act)

    with st.container(horizontal=True):
        for number, name in enumerate(classes, 1):
            key = str(number) if number <= KEYS else None
            st.button(
                markdown(name), key=f"as-{name}", shortcut=key, type="primary", on_click=say(name)
            )
    with st.container(horizontal=True):
        if guess:
            st.button("Keep the guess", key="keep", shortcut="k", on_click=say(guess))
        st.button("Leave out", key="leave-out", shortcut="x", on_click=say("", LEFT_OUT))
        st.button("Later", key="later", shortcut="l", on_click=say("", LATER))
        _undo(task)
    with st.form("new-class", clear_on_submit=True, border=False):
        name = st.text_input("New class", key="new-class-name", placeholder="its name")
        if st.form_submit_button("It is this one", icon=":material/add:") and name.strip():
            st.session_state["new-classes"].append(class_name(name))
            say(class_name(name))()
            st.rerun()


def _undo(task: Task) -> None:
    st.button("Undo", key="undo-label", shortcut="z", on_click=lambda: _undone(task))


def _undone(task: Task) -> None:
    """The last picture is asked about again, at once."""
    act = task.labels.undo()
    key = f"queue {task.labels.table}"
    if act and act.path in task.paths:
        again = task.paths.index(act.path)
        st.session_state[key] = [again, *st.session_state.get(key, [])]


def _together(home: Path, place: str) -> None:
    """The tables of all who labelled, and what to do with them."""
    tables = {path.stem: Labels(path) for path in sorted(home.glob("*.csv")) if path.name != MERGED}
    if not tables:
        return
    table = home / MERGED if (home / MERGED).exists() else next(iter(tables.values())).table
    st.divider()
    if len(tables) > 1:
        agreed, disputed = merged(tables)
        st.markdown(
            f"**{len(tables)} people**: they agree on {len(agreed):,} pictures and differ on"
            f" {len(disputed):,}."
        )
        tiles.show(
            tiles.Tile(thumbnail(place, path), _disputed(said), path)
            for path, said in list(disputed.items())[:24]
        )
        if st.button("Write one table of what all agree on", icon=":material/merge:", key="merge"):
            write_text(home / MERGED, as_table(agreed))
            st.rerun()
    st.caption(f"The table: {markdown(str(table))}. Every command takes it:")
    st.code(
        shlex.join(("scenelet", "train", str(table), "--images", place)),
        language=None,
        wrap_lines=True,
    )


def _disputed(said: dict[str, str]) -> str:
    return ", ".join(f"{who}: {label}" for who, label in said.items())
