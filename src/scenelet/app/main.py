"""The script that Streamlit runs: the pages and their order."""

import streamlit as st

from scenelet.app import classify
from scenelet.app.kept import icon

_STYLE = """<style>
[data-testid=stMainBlockContainer] {padding-top: 4.5rem; max-width: 90rem}
[data-testid=stMetricValue] {font-size: 1.9rem}
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] p {color: inherit; opacity: .92}
[data-stale=true] {opacity: 1 !important}  /* what is drawn again every three seconds never fades */
[data-testid=stBaseButton-primary]:enabled {  /* white on it is read in the dark, too */
  background: #2463b8; border-color: #2463b8;
}
[class*=st-key-sample-] {position: relative}  /* its picture is part of the button */
[class*=st-key-sample-] :is([data-testid=stElementContainer], .stButton, button) {position: static}
[class*=st-key-sample-] button::after {content: ""; position: absolute; inset: 0; cursor: pointer}
@media (max-width: 640px) {
  [data-testid=stColumn]:has(.st-key-answers) {order: -1}  /* a tap on an example shows something */
  [data-testid=stExpandSidebarButton]::after {content: "Menu"; margin-left: .3rem}
}
</style>"""

st.set_page_config(
    page_title="scenelet", page_icon=icon(), layout="wide"
)  # an icon's name would be fetched from afar
st.html(_STYLE)


def _data() -> None:
    from scenelet.app import data  # pages that need more are loaded when they are opened

    data.page()


def _model() -> None:
    from scenelet.app import model

    model.page()


def _runs() -> None:
    from scenelet.app import runs

    runs.page()


def _drift() -> None:
    from scenelet.app import drift

    drift.page()


def _train() -> None:
    from scenelet.app import train

    train.page()


def _label() -> None:
    from scenelet.app import label

    label.page()


def _deploy() -> None:
    from scenelet.app import deploy

    deploy.page()


_CAMERA = ":material/photo_camera:"
PAGES = [
    st.Page(classify.page, title="Classify", icon=_CAMERA, url_path="first", default=True),
    # the first page's address is "/": whoever types its name gets there, too
    st.Page(
        classify.page, title="Classify", icon=_CAMERA, url_path="classify", visibility="hidden"
    ),
    st.Page(_train, title="Train", icon=":material/school:", url_path="train"),
    st.Page(_label, title="Label", icon=":material/label:", url_path="label"),
    st.Page(_data, title="Data", icon=":material/photo_library:", url_path="data"),
    st.Page(_model, title="Model", icon=":material/query_stats:", url_path="model"),
    st.Page(_runs, title="Runs", icon=":material/model_training:", url_path="runs"),
    st.Page(_drift, title="Drift", icon=":material/trending_up:", url_path="drift"),
    st.Page(_deploy, title="Deploy", icon=":material/cloud_upload:", url_path="deploy"),
]
st.session_state["pages"] = {"classify": PAGES[0]}  # that a page leads to
chosen = st.navigation(PAGES, position="top")
st.set_page_config(page_title=f"{chosen.title} · scenelet")
chosen.run()
