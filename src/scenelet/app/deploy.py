"""Deploy: what an address would cost and be made of, and what to hand to whoever may make it.

Makes nothing but the package, and asks AWS nothing.
"""

import statistics
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

from scenelet.app.kept import bundle_stamp, predictor
from scenelet.app.parts import refused
from scenelet.app.sources import Sources, sources, stamp, started_with
from scenelet.bundle.cautions import cautions
from scenelet.bundle.contract import Contract
from scenelet.errors import SceneletError
from scenelet.report.html import Headline, Section, following
from scenelet.report.html import page as html_page
from scenelet.text import counted, markdown, shell

SIZES = {"150 KB, as from a web page": 150_000, "3 MB, as from a phone": 3_000_000}
ROUNDS = 5
INSTALL = "pip install 'scenelet[aws]'"


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Deploy")
    try:
        contract = predictor(asked.bundle).model.contract
    except SceneletError as error:
        refused(error, ":material/inventory_2:")
        return
    st.caption(
        f"{markdown(contract.name)} at an HTTPS address of your own, on AWS Lambda. This is the"
        " plan: nothing is made, and AWS is not asked."
    )
    if find_spec("boto3") is None:
        st.info("Plans need one more library:", icon=":material/extension:")
        st.code(INSTALL, language=None, wrap_lines=True)
        return
    _plan(asked, contract)


def _plan(asked: Sources, contract: Contract) -> None:
    from scenelet.deploy.aws.plan import BUCKET, MADE

    cost, further = st.columns([2, 3], gap="large")
    with cost:
        told = _month(asked, contract)
    lists = {
        "What would be made": [*MADE, BUCKET],
        "What is missing": _missing(asked),
        "What to bear in mind": cautions(contract),
    }
    with further:
        for title, points in lists.items():
            _list(title, points)
    st.subheader("To be given, or handed on", anchor=False)
    is_closed = st.toggle("Only who has a token may ask", value=True, key="closed")
    commands = _commands(contract, is_closed)
    st.caption(
        "Whoever has the AWS account gives these where the package lies. The second one looks,"
        " and changes nothing; the third proves the package before anybody meets it."
    )
    st.code("\n".join(commands), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        if asked.is_own:
            _package(asked, contract)
        st.download_button(
            "This plan, as a page",
            _to_send(contract, told, lists, commands),
            f"{contract.name}-plan.html",
            "text/html",
            icon=":material/description:",
        )


def _list(title: str, points: list[str]) -> None:
    if points:
        st.subheader(title, anchor=False)
        st.markdown("\n".join(f"- {markdown(each)}" for each in points))


def _month(asked: Sources, contract: Contract) -> Headline:
    """Draw what a month costs; returns it in words."""
    from scenelet.deploy.aws.plan import month

    answers = int(st.number_input("Answers a month", 0, 1_000_000_000, 10_000, 1_000))
    size = str(st.selectbox("Size of a picture", list(SIZES)))
    warm_ms = _warm_ms(asked.bundle, bundle_stamp(asked.bundle))
    found = month(answers, SIZES[size], warm_ms, len(contract.class_names))
    figure = f"${found.usd:,.2f} a month"
    st.metric("It costs about", figure)
    standing = (
        f"${found.standing_usd:,.2f}" if found.standing_usd else "nothing but stored packages"
    )
    words = (
        f"{counted(answers, 'answer')} to pictures of {size.partition(',')[0]}. While nobody asks,"
        f" {standing} and logs. At most, with {found.most.requests_a_s:g} requests a second all"
        f" month long, ${found.most.compute_usd + found.most.around_usd:,.0f}: rate and instances"
        f" are limited. Estimated; prices: {found.prices}."
    )
    st.caption(markdown(words))
    return Headline(figure, words)


@st.cache_data(max_entries=8, show_spinner="Asking the model")
def _warm_ms(bundle: str, stamp: int) -> float:  # noqa: ARG001
    """Of an answer to its golden pictures, on this machine."""
    model = predictor(bundle)
    pictures = [(Path(bundle) / each.file).read_bytes() for each in model.model.contract.golden]
    answers = [model.predict(each) for each in pictures * ROUNDS]
    return statistics.median(each.decode_ms + each.inference_ms for each in answers)


def _missing(asked: Sources) -> list[str]:
    """What this machine lacks; of it others are told nothing."""
    from scenelet.deploy.aws.plan import lacking

    lacks = lacking() if asked.is_own else []
    if not lacks:
        return []
    return [
        f"{', '.join(lacks)}: log in on this machine (aws login), or hand the package and the"
        " commands to somebody who has an account."
    ]


def _commands(contract: Contract, is_closed: bool) -> list[str]:
    closed = ("--token",) if is_closed else ()
    words = ("scenelet", "deploy", _file(contract), "--region", "eu-central-1", *closed)
    return [INSTALL, shell(*words, "--plan"), shell(*words)]


def _file(contract: Contract) -> str:
    return f"{contract.name}-x86_64.zip"


def _package(asked: Sources, contract: Contract) -> None:
    """The package: made at a click, then to be had as long as the bundle is the same."""
    from scenelet.deploy.package import package_zip
    from scenelet.deploy.target import Target

    path = started_with().home / "packages" / _file(contract)
    if st.button("Make the package", icon=":material/inventory_2:"):
        try:
            with st.spinner("Packing"):
                package_zip(Path(asked.bundle), path, Target())
        except SceneletError as error:
            refused(error, ":material/error:")
    if stamp(path) > bundle_stamp(asked.bundle):
        icon = ":material/download:"
        st.download_button(path.name, path.read_bytes, path.name, "application/zip", icon=icon)


def _to_send(
    contract: Contract, told: Headline, lists: dict[str, list[str]], commands: list[str]
) -> str:
    sections = [Section(title, points=points) for title, points in lists.items()]
    sections.append(following(commands))
    return html_page(f"{contract.name}: plan", "an address on AWS Lambda", sections, told)
