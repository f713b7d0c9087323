"""Try it: pictures from anywhere, the answers, what they are worth."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from scenelet import images
from scenelet.app import correcting, tiles
from scenelet.app.charts import bars
from scenelet.app.kept import bundle_stamp, predictor, shown, shown_or_grey
from scenelet.app.parts import refused
from scenelet.app.paste import pasted
from scenelet.app.sources import Sources, sources
from scenelet.bundle.contract import Contract
from scenelet.errors import SceneletError
from scenelet.images import to_input
from scenelet.serve.client import TOLERANCE, Endpoint, largest_difference
from scenelet.serve.predictor import Predictor
from scenelet.text import as_csv, listed, markdown, without_flags

Answer = dict[str, Any]
Ask = Callable[[bytes], Answer]
IN_FULL = 12  # pictures with their bars; of more, a sheet of all stands above
NAMED = 8  # classes that a sentence names
WAYS = {"here": "this bundle", "there": "the endpoint", "both": "both, side by side"}
SAMPLE = "width:100%;border-radius:.4rem;display:block"
LOOK = "display:flex;flex-wrap:wrap;gap:.8rem"
PHOTO = "width:min(46%,200px);max-height:200px;object-fit:contain;border-radius:.4rem"


@dataclass(frozen=True)
class Picture:
    """One to be answered.

    Attributes:
        name: Of the file, or where it comes from.
        content: Its bytes.
        slot: Where in the session it lies; "" for an upload, whose field keeps it.
    """

    name: str
    content: bytes
    slot: str = ""

    @property
    def key(self) -> str:
        """The same for the same picture, wherever it stands on the page."""
        return hashlib.blake2b(self.content, digest_size=8).hexdigest()


@dataclass(frozen=True)
class Sample:
    """An example: its name on the button, what it is, its bytes."""

    name: str
    words: str
    content: bytes


def page() -> None:
    """Draw the page: what is given on the left, answers on the right; on a phone, below."""
    asked = sources()
    st.title("Classify")
    try:
        contract = predictor(asked.bundle).model.contract
    except SceneletError as error:
        refused(error, ":material/inventory_2:")
        return
    _head(contract)
    given, answered = st.columns([2, 3], gap="large")
    with given:
        way = _way(asked)
        pictures = _pictures(asked)
    with answered, st.container(key="answers"):
        _answers(pictures, way, asked)


def _head(contract: Contract) -> None:
    names = listed(list(map(markdown, contract.class_names)), NAMED)
    st.caption(
        f"{markdown(contract.name)}: {names}. Pictures stay in memory; one that you"
        " judge is kept on this machine."
    )
    if contract.abstain_below > 1:
        st.warning(
            "A weak model: no probability of it is high enough to rely on. Treat each answer as a"
            " guess.",
            icon=":material/warning:",
        )


def _way(asked: Sources) -> str:
    if not asked.endpoint:
        return "here"
    return str(st.radio("Answered by", list(WAYS), format_func=WAYS.__getitem__, index=2))


def _pictures(asked: Sources) -> list[Picture]:
    """Uploads, and what lies in the session: the last example, address, paste and photo."""
    upload, examples, url, paste, camera = st.tabs(["Upload", "Examples", "URL", "Paste", "Camera"])
    with upload:
        files = st.file_uploader("Pictures", accept_multiple_files=True, key="files") or []
    with examples:
        _examples(asked)
    with url:
        _fetched(asked)
    with paste:
        _put("pasted", "pasted", pasted())
    with camera:
        if st.toggle("Use the camera", help="Your browser asks for permission."):
            photo = st.camera_input("Take a picture")
            _put("camera", "camera", photo.getvalue() if photo else None)
    uploads = [Picture(file.name, file.getvalue()) for file in files]
    return [*_tray().values(), *uploads]


def _tray() -> dict[str, Picture]:
    found: dict[str, Picture] = st.session_state.setdefault("tray", {})
    return found


def _put(slot: str, name: str, content: bytes | None) -> None:
    """Lay a picture on top, in place of the last one from there."""
    if content is not None:
        others = {each: kept for each, kept in _tray().items() if each != slot}
        st.session_state["tray"] = {slot: Picture(name, content, slot), **others}


def _take_away(slot: str) -> None:
    _tray().pop(slot, None)


@st.cache_data(show_spinner="Painting examples")
def _samples(bundle: str, stamp: int) -> list[Sample]:  # noqa: ARG001
    """Painted pictures to try, by what this bundle makes of them; a stranger if it tells one."""
    from scenelet.dataset.scenes import SCENES
    from scenelet.dataset.strangers import paint_strangers

    model = predictor(bundle)
    scenes = [_sample(name, model) for name in SCENES if name in model.class_names]
    strange = [
        Sample("none of them", f"{kind}, none of the classes", pictures[0])
        for kind, pictures in paint_strangers(1, seed=3).items()
        if model.predict(pictures[0]).is_stranger
    ]
    return [*scenes, *strange[:1]]


def _sample(name: str, model: Predictor) -> Sample:
    """A scene that it is sure of and right about; failing that, one that it doubts."""
    from scenelet.dataset.scenes import jpeg, paint_scene

    painted = [jpeg(paint_scene(name, seed=seed)) for seed in range(20, 26)]
    for content in painted:
        answer = model.predict(content)
        if answer.label == name and not answer.abstains and not answer.is_stranger:
            return Sample(name, f"a painted {name}", content)
    return Sample(f"{name}?", f"a painted {name} that it is not sure of", painted[0])


def _examples(asked: Sources) -> None:
    samples = _samples(asked.bundle, bundle_stamp(asked.bundle))
    if not samples:
        st.caption("None that would suit these classes.")
    with st.container(horizontal=True, gap="small"):
        for place, each in enumerate(samples):
            with st.container(width=104, gap="small", key=f"sample-{place}"):
                st.html(
                    f'<img src="{shown(each.content, 150)}" alt="{each.words}" style="{SAMPLE}">'
                )
                st.button(
                    each.name,
                    key=f"example-{each.name}",
                    help=each.words,
                    width="stretch",
                    on_click=_put,
                    args=("example", each.words, each.content),
                )


def _fetched(asked: Sources) -> None:
    with st.form("url-form", border=False):
        url = st.text_input("Address of a picture", placeholder="https://...", key="url")
        wanted = st.form_submit_button("Fetch", icon=":material/download:")
    if not (wanted and url):
        return
    from scenelet.fetch import FetchLimits, fetch

    try:
        with st.spinner("Fetching"):
            _put("fetched", url, fetch(url, FetchLimits(trusted=frozenset(asked.trusted))))
    except SceneletError as error:
        refused(error, ":material/link_off:")


def _answers(pictures: list[Picture], way: str, asked: Sources) -> None:
    if not pictures:
        st.info(
            "Drop a picture, paste one, take one, give a URL, or click an example.",
            icon=":material/photo_camera:",
        )
        return
    asks = _asks(way, asked)
    told = [_told(picture, asks, asked) for picture in pictures]
    if len(pictures) > IN_FULL:
        _sheet(pictures, told)
    for picture, answers in list(zip(pictures, told, strict=True))[:IN_FULL]:
        _show(picture, answers, asked)
    if len(pictures) > IN_FULL:
        st.caption(f"The first {IN_FULL} of {len(pictures)} in full; all are in the table.")
    _download(pictures, told)


def _asks(way: str, asked: Sources) -> dict[str, Ask]:
    asks: dict[str, Ask] = {}
    if way != "there":
        asks["here"] = lambda content: predictor(asked.bundle).predict(content).as_dict()
    if way != "here":
        endpoint = Endpoint(asked.endpoint, timeout_s=20, tries=2)
        # side by side the same bytes are asked about, else a large one is shrunk on its way
        asks["there"] = lambda content: endpoint.predict(content, original=way == "both")
    return asks


def _told(picture: Picture, asks: dict[str, Ask], asked: Sources) -> dict[str, Answer | str]:
    """An answer or an error from each who is asked, once a session for the same picture."""
    kept = st.session_state.setdefault("told", {})
    answers: dict[str, Answer | str] = {}
    for who, ask in asks.items():
        key = (who, picture.key, bundle_stamp(asked.bundle) if who == "here" else asked.endpoint)
        if key not in kept:
            try:
                kept[key] = ask(picture.content)
            except SceneletError as error:  # an endpoint may be back at the next click: not kept
                answers[who] = without_flags(str(error))
                continue
        answers[who] = kept[key]
    return answers


def _sheet(pictures: list[Picture], told: list[dict[str, Answer | str]]) -> None:
    """All at a glance."""
    pairs = [(each, next(iter(told[place].values()))) for place, each in enumerate(pictures)]
    unsure = [each for each in pairs if not isinstance(each[1], str) and _remark(each[1])]
    counts = Counter(answer["label"] for _, answer in pairs if not isinstance(answer, str))
    failed = sum(isinstance(answer, str) for _, answer in pairs)
    counted = ", ".join(f"{markdown(name)} {count:,}" for name, count in counts.most_common())
    st.markdown(f"**{len(pairs):,} pictures**: {counted}{f'; {failed} not read' if failed else ''}")
    words = f"Only those it is not sure of ({len(unsure)})"
    only = bool(unsure) and st.toggle(words, key="only-unsure")
    tiles.show(_thumb(*each) for each in (unsure if only else pairs))


def _thumb(picture: Picture, answer: Answer | str) -> tiles.Tile:
    """A picture of the sheet with its answer, or why there is none."""
    if isinstance(answer, str):
        return tiles.Tile(shown_or_grey(picture.content, 150), answer, picture.name)
    words = f"{answer['label']} {answer['probability']:.0%}{_remark(answer)}"
    return tiles.Tile(shown(picture.content, 150), words, picture.name)


def _remark(answer: Answer) -> str:
    if answer.get("is_stranger"):
        return " · none of my classes"
    return " · not sure" if answer.get("abstains") else ""


def _show(picture: Picture, answers: dict[str, Answer | str], asked: Sources) -> None:
    with st.container(border=True):
        _name(picture)
        photos = _photos(picture, _heat(picture, answers.get("here"), asked))
        for column, (who, answer) in zip(st.columns(len(answers)), answers.items(), strict=True):
            with column:
                if len(answers) > 1:
                    st.caption(f"by {WAYS[who]}")
                if isinstance(answer, str):
                    st.error(markdown(answer), icon=":material/cloud_off:")
                else:
                    _answer(answer, photos if len(answers) == 1 else "")
        own = answers.get("here")
        if asked.is_own and isinstance(own, dict):
            _ask_whether_right(picture, own["label"], asked.bundle)
        if len(answers) > 1:
            _agree(list(answers.values()))
            st.html(f'<div style="{LOOK}">{photos}</div>')


def _name(picture: Picture) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{markdown(picture.name)}**")
        if picture.slot:
            st.button(
                "Put away", key=f"away-{picture.slot}", on_click=_take_away, args=(picture.slot,)
            )


def _answer(answer: Answer, photos: str) -> None:
    st.subheader(f"{markdown(answer['label'])} · {answer['probability']:.1%}", anchor=False)
    if answer.get("is_stranger"):
        st.warning("This looks like none of my classes.", icon=":material/help:")
    elif answer.get("abstains"):
        st.warning("Not sure: I'd rather not answer.", icon=":material/help:")
    told = f'<div style="flex:1 1 15rem">{bars(answer["probabilities"])}</div>'
    st.html(f'<div style="{LOOK}">{photos}{told}</div>')
    took_ms = answer.get("decode_ms", 0) + answer.get("inference_ms", 0)
    st.caption(f"{_possible(answer)}{took_ms:.1f} ms")


def _possible(answer: Answer) -> str:
    """The prediction set, where it says more than the answer and less than nothing."""
    names = answer.get("prediction_set") or []
    says_something = 1 < len(names) < len(answer["probabilities"])
    if answer.get("is_stranger") or not says_something:
        return ""
    return f"Still possible: {listed(list(map(markdown, names)), NAMED)} · "


def _ask_whether_right(picture: Picture, answered: str, bundle: str) -> None:
    asked = predictor(bundle).model.contract
    correcting.ask(picture.key, picture.content, answered, asked.class_names, asked.name)


def _agree(answers: list[Answer | str]) -> None:
    found = [answer["probabilities"] for answer in answers if not isinstance(answer, str)]
    if len(found) < 2:
        return
    first, second = found
    if first.keys() != second.keys():
        st.error("They know other classes: two different models.", icon=":material/difference:")
        return
    worst = largest_difference(first, second)
    if worst <= TOLERANCE:
        told = f"They agree: probabilities differ by {worst:.0e} at most."
        st.success(told, icon=":material/check_circle:")
    else:
        told = f"They differ by {worst:.3f}: another bundle is deployed."
        st.error(told, icon=":material/difference:")


def _heat(picture: Picture, answer: Answer | str | None, asked: Sources) -> str | None:
    """The map of where it looked, as a data URI, if somebody wants to see it."""
    if answer is None or isinstance(answer, str):
        return None
    if not _wants_heat(picture):
        return None
    from scenelet.assess.explain import FAINT, occlusion_map, overlay
    from scenelet.report.html import data_uri

    model = predictor(asked.bundle).model
    pixels = np.array(to_input(picture.content, model.contract.preprocess))
    target = model.contract.class_names.index(answer["label"])
    heat = occlusion_map(model, pixels, target)
    most, name = heat.max(), markdown(answer["label"])
    if most < FAINT:
        st.caption("Covering any one part hardly changes the answer.")
    else:
        st.caption(f"Red: without this part, {name} becomes up to {most:.0%} less likely.")
    return data_uri(_unsqueezed(overlay(pixels, heat), picture), quality=85)


def _wants_heat(picture: Picture) -> bool:
    return st.toggle(
        "Where it looked",
        key=f"why-{picture.key}",
        help="Covers part after part, and sees how far the answer falls.",
    )


def _unsqueezed(heat: Image.Image, picture: Picture) -> Image.Image:
    """In the shape of the picture, which the model saw squeezed."""
    return heat.resize(images.thumbnail(picture.content, 400).size)


def _photos(picture: Picture, heat: str | None) -> str:
    """The picture, and the map if there is one, as HTML; nothing where it can't be decoded."""
    try:
        image = shown(picture.content)
    except SceneletError:
        return ""
    alt = tiles.safe(f"your picture {picture.name}")
    drawn = f'<img src="{image}" alt="{alt}" style="{PHOTO}">'
    if heat:
        drawn += f'<img src="{heat}" alt="parts of the picture that speak for it" style="{PHOTO}">'
        drawn += _heat_legend()
    return drawn


def _heat_legend() -> str:
    """What the colours mean, on the scale that all pictures share."""
    from scenelet.assess.explain import HEAT

    colours = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue, _ in HEAT[1:])
    bar = (
        f"height:.6rem;border-radius:4px;background:linear-gradient(90deg, transparent, {colours})"
    )
    words = "display:flex;justify-content:space-between;font-size:.8rem"
    return (
        f'<div style="flex:1 1 100%;max-width:26rem"><div style="{bar}"></div>'
        f'<div style="{words}"><span>covered, it changes nothing</span>'
        "<span>the answer falls to nothing</span></div></div>"
    )


def _download(pictures: list[Picture], told: list[dict[str, Answer | str]]) -> None:
    rows = [
        _row(picture, who, answer)
        for picture, answers in zip(pictures, told, strict=True)
        for who, answer in answers.items()
    ]
    if rows:
        table, icon = as_csv(rows).encode(), ":material/download:"
        st.download_button("Download as CSV", table, "answers.csv", "text/csv", icon=icon)


def _row(picture: Picture, who: str, answer: Answer | str) -> dict[str, object]:
    """Of the table: every picture has one, and why where it has no answer."""
    known: Answer = {} if isinstance(answer, str) else answer
    return {
        "picture": picture.name,
        "by": WAYS[who],
        "label": known.get("label", ""),
        "probability": round(known["probability"], 4) if known else "",
        "abstains": known.get("abstains", ""),
        "is_stranger": known.get("is_stranger", ""),
        "prediction_set": "|".join(known.get("prediction_set") or []),
        "error": answer if isinstance(answer, str) else "",
    }
