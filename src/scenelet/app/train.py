"""Train: dropped pictures, or those of a folder, become a bundle, and one may watch."""

import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from scenelet.app import charts, correcting, growing
from scenelet.app.parts import refused
from scenelet.app.sources import open_instead, sources, stamp, started_with
from scenelet.app.works import STEPS, Work, works
from scenelet.artefacts import make_folder, write_bytes
from scenelet.bundle.contract import CONTRACT, read_contract
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.gather import Given, class_name, gather, of_paths, of_zip
from scenelet.errors import DataError, SceneletError
from scenelet.image_formats import SUFFIXES
from scenelet.text import counted, markdown

EVERY_S = 2
ZIP_MB = 2000  # of an archive that is dropped
LINES = 12  # of the log that are shown
NEW = "A new training"
WAYS = {
    "first": "First answers, in minutes",
    "fine": "As good as it gets, in minutes to hours",
    "quick": "A small network from nothing",
}
_MEANING = {
    "first": "A network that knows many pictures learns your classes: its last layer alone.",
    "fine": "The same, and all layers learn. How long it takes is told before it begins.",
    "quick": "For simple pictures, such as letters or icons.",
}
_OPTIONS = {"first": [], "fine": ["--fine-tune"], "quick": ["--recipe", "quick"]}
_UNFIT = re.compile(r"[^\w .-]|^[.-]")


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Train")
    if not asked.is_own:
        st.info(
            "These pages are open to others, so nothing is trained from them. Start the app"
            " without --host on the machine that shall train.",
            icon=":material/lock:",
        )
        return
    home = started_with().home / "trained"
    begun = works(home)
    chosen = _chosen([work.name for work in begun])
    if chosen == NEW:
        _new(home)
    else:
        work = next(work for work in begun if work.name == chosen)
        # what is drawn again by itself may swallow a click: nothing is where nothing changes
        is_running = work.is_running
        st.fragment(_watched, run_every=EVERY_S if is_running else None)(work, is_running)


def _chosen(names: list[str]) -> str:
    """Which training is looked at: the last one that was begun, unless somebody chooses."""
    wanted = st.session_state.pop("begun", None)
    if wanted in names:
        st.session_state["training-chosen"] = wanted
    if not names:
        return NEW
    return str(st.selectbox("Training", [*names, NEW], key="training-chosen"))


def _new(home: Path) -> None:
    st.caption(
        "Some twenty pictures a class are a beginning, sixty are good. What you drop is kept in"
        f" {markdown(str(home.resolve()))} on this machine, and nowhere else."
    )
    folders, classes, archive, place = st.tabs(
        ["Drop a folder", "Class by class", "Drop a zip", "A folder here"]
    )
    with folders:
        dropped = st.file_uploader(
            "A folder with one folder of pictures a class",
            accept_multiple_files="directory",
            key="folders",
        )
    with classes:
        by_class = _classes()
    with archive:
        zipped = st.file_uploader(
            "A zip with one folder of pictures a class",
            type=["zip"],
            max_upload_size=ZIP_MB,
            key="archive",
        )
    with place:
        path = st.text_input("Path on this machine, or address", placeholder="photos", key="place")
    given = [Given(label, name, content) for label, name, content in by_class]
    st.divider()
    name, options = _how(home)

    def put(work: Work) -> str:
        """Lay the pictures down; returns where they are."""
        if path:
            return str(Path(path).expanduser()) if "://" not in path else path
        if zipped:
            make_folder(work.folder)
            write_bytes(work.folder / "pictures.zip", zipped.getvalue())
            return str(work.folder / "pictures.zip")
        gather(work.pictures, of_paths((each.name, each.getvalue()) for each in dropped or []))
        gather(work.pictures, [*given, *_unzipped(work)])
        return str(work.pictures)

    is_given = bool(dropped or given or zipped or path or _archives())
    if st.button("Train", type="primary", disabled=not is_given, icon=":material/play_arrow:"):
        _begin(Work(home / name), put, options)


def _how(home: Path) -> tuple[str, list[str]]:
    """Name and options of `scenelet start`."""
    left, right = st.columns([1, 2])
    free = next(
        f"mine{number}"
        for number in ("", *map(str, range(2, 1000)))
        if not (home / f"mine{number}").exists()
    )
    typed = left.text_input("Name", free, key="training-name")
    way = right.selectbox("How", list(WAYS), format_func=WAYS.__getitem__, key="way")
    right.caption(_MEANING[way])
    epochs = 0
    if way != "first" and st.toggle("Say how long", key="says-epochs"):
        epochs = int(st.number_input("Epochs", 1, 500, 8, key="epochs"))
    name = _UNFIT.sub("", typed).strip() or free
    return name, [*_OPTIONS[way], *(["--epochs", str(epochs)] if epochs else [])]


def _classes() -> list[tuple[str, str, bytes]]:
    """(class, name, content) of the pictures of each class."""
    count = st.session_state.setdefault("class-count", 2)
    found: list[tuple[str, str, bytes]] = []
    for number in range(1, count + 1):
        with st.container(border=True):
            name = st.text_input(f"Name of class {number}", f"class {number}", key=f"name-{number}")
            files = st.file_uploader(
                f"Pictures of class {number}, or a zip of them",
                type=[*sorted(suffix.lstrip(".") for suffix in SUFFIXES), "zip"],
                accept_multiple_files=True,
                max_upload_size=ZIP_MB,
                key=f"files-{number}",
            )
            found += [
                (name, each.name, each.getvalue())
                for each in files or []
                if not isinstance(each, bytes) and not each.name.lower().endswith(".zip")
            ]
            found += [(name, "camera.jpg", content) for content in _shots(number)]
    if st.button("Another class", icon=":material/add:"):
        st.session_state["class-count"] = count + 1
        st.rerun()
    return found


def _shots(number: int) -> list[bytes]:
    """Photos that were taken for a class in this session."""
    kept: list[bytes] = st.session_state.setdefault(f"shots-{number}", [])
    if st.toggle("Take pictures with the camera", key=f"camera-{number}"):
        photo = st.camera_input(f"A picture of class {number}", key=f"photo-{number}")
        if photo and photo.getvalue() not in kept:
            kept.append(photo.getvalue())
    if kept:
        st.caption(f"{len(kept)} taken")
    return kept


def _archives() -> list[tuple[str, bytes]]:
    """(class, content) of each zip that was dropped for one class."""
    numbers = range(1, st.session_state.get("class-count", 0) + 1)
    return [
        (st.session_state[f"name-{number}"], each.getvalue())
        for number in numbers
        for each in st.session_state.get(f"files-{number}") or []
        if each.name.lower().endswith(".zip")
    ]


def _unzipped(work: Work) -> list[Given]:
    found: list[Given] = []
    for label, content in _archives():
        aside = make_folder(work.folder) / "class.zip"
        write_bytes(aside, content)
        try:
            found += of_zip(class_name(label), aside)
        finally:
            aside.unlink()
    return found


def _begin(work: Work, put: Callable[[Work], str], options: list[str]) -> None:
    try:
        if (work.folder / "command.json").exists():
            raise DataError(f"{work.name}: is there already. Give another name.")
        with st.spinner("Counting the files"):
            place = put(work)
            account(place)
        work.begin(place, options)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    st.session_state["begun"] = work.name
    st.rerun()


def account(place: str) -> str:
    """What lies there: the classes, and one line about every file.

    Raises:
        DataError: Nothing that could be trained on.
    """
    found = Dataset.open(place)
    if len(found.class_names) < 2:
        raise DataError(
            f"{len(found.class_names)} class found ({', '.join(found.class_names)}), at least 2"
            " needed to train."
        )
    return f"{found.account()}. {found.classes()}"


def _watched(work: Work, was_running: bool) -> None:
    is_running = work.is_running
    if was_running and not is_running:
        st.rerun()
    try:
        if work.manifest.is_file():
            st.caption(markdown(_accounted(work.data, str(work.manifest), stamp(work.manifest))))
        _standing(work, is_running)
        if work.has_bundle and not is_running:
            _result(work)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    epochs = work.epochs()
    if len(epochs) > 1:
        _curve(work)
    shown = work.growing()
    if shown:
        growing.show(shown, work.data)
    with st.expander("What it says", expanded=not is_running and not work.is_complete):
        st.code(
            "\n".join(work.said().splitlines()[-LINES:]) or "nothing yet",
            language=None,
            wrap_lines=True,
        )


@st.cache_data(max_entries=8, show_spinner=False)
def _accounted(place: str, manifest: str, stamp: int) -> str:  # noqa: ARG001
    """As the audit has found it: what can't be decoded is left out, with the reason."""
    found = Dataset.open(place, Path(manifest))
    doubted = sum(1 for row in found.used.rows if row.suggested_label)
    more = f" {counted(doubted, 'doubtful label')}: see Data." if doubted else ""
    return f"{found.account()}. {found.classes()}.{more}"


def _standing(work: Work, is_running: bool) -> None:
    """Which step it is at; to stop it, or to go on."""
    steps = work.steps()
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_running:
            told = STEPS[steps[-1]] if steps else "Beginning"
            st.info(f"{told} …", icon=":material/hourglass_top:", width="stretch")
            if st.button("Stop", icon=":material/stop:", key="stop"):
                work.stop()
                st.rerun()
        elif work.is_complete and work.refusal:
            st.error(markdown(work.refusal), icon=":material/error:", width="stretch")
        elif work.is_complete:
            told = ", ".join(STEPS[step] for step in dict.fromkeys(steps))
            st.success(f"Done: {told}", icon=":material/check_circle:", width="stretch")
        else:
            told = markdown(work.refusal) or "Stopped: see what it says below."
            st.warning(
                f"{told}\n\nWhat is done is kept.",
                icon=":material/pause_circle:",
                width="stretch",
            )
            if st.button("Go on", icon=":material/play_arrow:", key="go-on"):
                work.go_on()
                st.rerun()
    if is_running and steps[:-1]:
        st.caption("Done: " + ", ".join(STEPS[step] for step in dict.fromkeys(steps[:-1])))


def _result(work: Work) -> None:
    contract = read_contract(work.bundle)
    accuracy = contract.figures.top1_accuracy
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    left.metric("Right, of held-out pictures", accuracy.percent.split(" ")[0])
    left.caption(f"95 % interval {accuracy.percent.partition(' ')[2].strip('()')}")
    with right, st.container(horizontal=True):
        if st.button("Try it", type="primary", icon=":material/photo_camera:"):
            open_instead(**_opened(work))
            st.switch_page(st.session_state["pages"]["classify"])
        icon = ":material/download:"
        if stamp(work.report) > stamp(work.bundle / CONTRACT):  # of this very bundle
            report = work.report.read_bytes()
            st.download_button("Report", report, work.report.name, "text/html", icon=icon)
        if work.package.is_file():
            package = work.package.read_bytes
            st.download_button("Package for AWS Lambda", package, work.package.name, icon=icon)
    st.caption(f"The bundle: {markdown(str(work.bundle))}")
    if work.verdict:
        st.info(markdown(work.verdict).capitalize(), icon=":material/balance:")
    corrected = correcting.of_classes(contract.class_names)
    words = f"Train again with {counted(len(corrected), 'correction')}"
    if not corrected or work.has_tried(corrected):
        return
    if st.button(words, icon=":material/school:", key="improve"):
        work.improve(started_with().home / correcting.FOLDER)
        st.rerun()


def _opened(work: Work) -> dict[str, str]:
    """What all pages show from now on."""
    return {
        "bundle": str(work.bundle),
        "data": work.data,
        "manifest": str(work.manifest),
        "runs": str(work.folder / "runs"),
        "endpoint": "",
    }


def _curve(work: Work) -> None:
    rows = [
        {"epoch": epoch.number, "value": epoch.val_top1_accuracy, "of": "held-out pictures"}
        for epoch in work.epochs()
        if epoch.val_top1_accuracy is not None
    ]
    if rows:
        spec = charts.lines(rows, "epoch", "value", "of", ("epoch", "right"))
        spec["encoding"]["y"] |= {"scale": {"domain": [0, 1]}, "axis": {"format": "%"}}
        st.vega_lite_chart(spec=spec, width="stretch", alt="accuracy by epoch", key="curve")
