"""Try it: pictures from anywhere, the answers, what they are worth."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from scenelet.app.charts import bars
from scenelet.app.paste import pasted
from scenelet.app.sources import Sources, as_csv, predictor, small, sources
from scenelet.bundle.contract import Contract
from scenelet.errors import SceneletError
from scenelet.images import to_input
from scenelet.serve.client import TOLERANCE, Endpoint, largest_difference

Answer = dict[str, Any]
MOST = 24


@dataclass(frozen=True)
class Picture:
    """One to be answered."""

    name: str
    content: bytes


def page() -> None:
    """Draw the page."""
    given = sources()
    st.title("Classify")
    try:
        model = predictor(given.bundle)
    except SceneletError as error:
        st.error(f"{error}", icon=":material/inventory_2:")
        return
    contract = model.model.contract
    st.caption(
        f"{contract.name}: {', '.join(contract.class_names)}. Pictures stay in memory and are never"
        " written to disk."
    )
    way = _way(given)
    pictures = _pictures(given, contract)
    if not pictures:
        st.info(
            "Drop a picture above, paste one, take one, give a URL, or click an example.",
            icon=":material/photo_camera:",
        )
        return
    table: list[dict[str, object]] = []
    for number, picture in enumerate(pictures[:MOST]):
        table += _show(picture, number, way, given)
    if len(pictures) > MOST:
        st.warning(
            f"{len(pictures)} pictures given, the first {MOST} answered. For folders: scenelet"
            " predict FOLDER --out table.csv"
        )
    if table:
        st.download_button(
            "Download as CSV", as_csv(table), "answers.csv", "text/csv", icon=":material/download:"
        )


def _way(given: Sources) -> str:
    if not given.endpoint:
        return "here"
    ways = {"here": "this bundle", "there": "the endpoint", "both": "both, side by side"}
    return str(
        st.radio(
            "Answered by", list(ways), format_func=lambda way: ways[way], horizontal=True, index=2
        )
    )


def _pictures(given: Sources, contract: Contract) -> list[Picture]:
    upload, examples, url, paste, camera = st.tabs(["Upload", "Examples", "URL", "Paste", "Camera"])
    found = []
    with upload:
        files = st.file_uploader("Pictures", accept_multiple_files=True, key="files")
        found += [Picture(file.name, file.getvalue()) for file in files or []]
    with examples:
        found += _example(contract)
    with url:
        found += _fetched(given)
    with paste:
        content = pasted()
        if content:
            st.session_state["pasted"] = content
        if "pasted" in st.session_state:
            found.append(Picture("pasted", st.session_state["pasted"]))
    with camera:
        if st.toggle("Use the camera", help="Your browser asks for permission."):
            shot = st.camera_input("Take a picture")
            found += [Picture("camera", shot.getvalue())] if shot else []
    return found


@st.cache_data(show_spinner=False)
def _painted(names: tuple[str, ...]) -> dict[str, bytes]:
    from scenelet.dataset.paint import SCENES, jpeg, paint_scene

    return {
        name: jpeg(paint_scene(name, seed=11))
        for name in SCENES
        if name in names or not set(names) & set(SCENES)
    }


def _example(contract: Contract) -> list[Picture]:
    painted = _painted(contract.class_names)
    for column, (name, content) in zip(
        st.columns(max(1, len(painted)), gap="small"), painted.items(), strict=True
    ):
        with column:
            st.image(content, width="stretch", alt=f"painted {name}")
            if st.button(name, key=f"example-{name}", width="stretch"):
                st.session_state["example"] = name
    chosen = st.session_state.get("example")
    if chosen not in painted:
        return []
    if st.button("Put the example away", key="no-example"):
        del st.session_state["example"]
        st.rerun()
    return [Picture(f"painted {chosen}", painted[chosen])]


def _fetched(given: Sources) -> list[Picture]:
    with st.form("url-form", border=False):
        url = st.text_input("Address of a picture", placeholder="https://...", key="url")
        asked = st.form_submit_button("Fetch", icon=":material/download:")
    if asked and url:
        from scenelet.serve.fetch import FetchLimits, fetch

        try:
            with st.spinner("Fetching"):
                st.session_state["fetched"] = (
                    url,
                    fetch(url, FetchLimits(trusted=frozenset(given.trusted))),
                )
        except SceneletError as error:
            st.session_state.pop("fetched", None)
            st.error(f"{error}", icon=":material/link_off:")
    if "fetched" not in st.session_state:
        return []
    name, content = st.session_state["fetched"]
    return [Picture(name.rsplit("/", 1)[-1] or name, content)]


def _show(picture: Picture, number: int, way: str, given: Sources) -> list[dict[str, object]]:
    """One picture with its answers; returns rows for the table."""
    rows: list[dict[str, object]] = []
    with st.container(border=True):
        try:
            shown = small(picture.content)
        except SceneletError as error:
            st.error(f"**{picture.name}** can't be used: {error}", icon=":material/broken_image:")
            return []
        left, right = st.columns([2, 3], gap="medium")
        left.image(shown, width="stretch", alt=f"your picture {picture.name}")
        left.caption(picture.name)
        with right:
            asks = _asks(way, given)
            answers = {}
            for column, (who, ask) in zip(st.columns(len(asks)), asks.items(), strict=True):
                with column:
                    answers[who] = _answered(picture, who, ask, len(asks) > 1)
            if len(asks) > 1:
                _agree(list(answers.values()))
        if way != "there" and answers.get("this bundle"):
            _explain(picture, number, given, answers["this bundle"] or {})
        rows = [_row(picture, who, answer) for who, answer in answers.items() if answer]
    return rows


def _asks(way: str, given: Sources) -> dict[str, Callable[[bytes], Answer]]:
    here = {"this bundle": lambda content: predictor(given.bundle).predict(content).as_dict()}
    there = {
        "the endpoint": (
            lambda content: Endpoint(given.endpoint, timeout_s=20, tries=2).predict(content)
        )
    }
    return here if way == "here" else there if way == "there" else here | there


def _answered(
    picture: Picture, who: str, ask: Callable[[bytes], Answer], named: bool
) -> Answer | None:
    if named:
        st.caption(f"by {who}")
    try:
        answer = ask(picture.content)
    except SceneletError as error:
        st.error(f"{error}", icon=":material/cloud_off:")
        return None
    st.subheader(f"{answer['label']} · {answer['probability']:.1%}", anchor=False)
    if answer.get("is_stranger"):
        st.warning("This looks like none of my classes.", icon=":material/help:")
    elif answer.get("abstains"):
        st.warning("Not sure: better not believed.", icon=":material/help:")
    st.html(bars(answer["probabilities"]))
    possible = ", ".join(answer.get("prediction_set", [])) or "none"
    took_ms = answer.get("decode_ms", 0) + answer.get("inference_ms", 0)
    st.caption(f"Still possible: {possible} · {took_ms:.1f} ms")
    return answer


def _agree(answers: list[Answer | None]) -> None:
    if None in answers or len(answers) < 2:
        return
    first, second = (answer["probabilities"] for answer in answers if answer)
    if first.keys() != second.keys():
        st.error("They know other classes: two different models.", icon=":material/difference:")
        return
    worst = largest_difference(first, second)
    if worst <= TOLERANCE:
        st.success(
            f"They agree: probabilities differ by {worst:.0e} at most.",
            icon=":material/check_circle:",
        )
    else:
        st.error(
            f"They differ by {worst:.3f}: another bundle is deployed.", icon=":material/difference:"
        )


def _explain(picture: Picture, number: int, given: Sources, answer: Answer) -> None:
    if not st.toggle(
        "Where it looked",
        key=f"why-{number}",
        help="Covers part after part, and sees how far the answer falls.",
    ):
        return
    from scenelet.assess.explain import occlusion_map, overlay

    model = predictor(given.bundle).model
    pixels = np.array(to_input(picture.content, model.contract.preprocess))
    target = model.contract.class_names.index(answer["label"])
    heat = occlusion_map(model, pixels, target)
    st.image(
        overlay(pixels, heat),
        width=320,
        alt=f"parts of the picture that speak for {answer['label']}, in red",
    )
    if heat.max() < 0.02:
        st.caption("Covering any one part hardly changes the answer.")
    else:
        st.caption(
            f"Red: without this part, {answer['label']} becomes up to {heat.max():.0%} less likely."
        )


def _row(picture: Picture, who: str, answer: Answer) -> dict[str, object]:
    return {
        "picture": picture.name,
        "by": who,
        "label": answer["label"],
        "probability": round(answer["probability"], 4),
        "abstains": answer.get("abstains", ""),
        "is_stranger": answer.get("is_stranger", ""),
        "prediction_set": "|".join(answer.get("prediction_set", [])),
    }
