"""A field that takes a picture from the clipboard: Streamlit has none."""

import base64

import streamlit as st

_HTML = (
    '<button id="zone" type="button">Click here, then press Ctrl+V (or ⌘V) to paste a'
    " picture</button>"
)
_CSS = """
#zone { width: 100%; padding: 1.4rem; border-radius: .6rem; font: inherit; cursor: pointer;
  border: 1.5px dashed color-mix(in srgb, var(--st-text-color) 45%, transparent);
  background: transparent; color: var(--st-text-color); }
#zone:focus { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
"""
_JS = """
export default function ({ parentElement, setTriggerValue }) {
  const zone = parentElement.querySelector("#zone")
  zone.onpaste = (event) => {
    const item = [...event.clipboardData.items].find((each) => each.type.startsWith("image/"))
    if (!item) { zone.textContent = "There is no picture on the clipboard"; return }
    const reader = new FileReader()
    reader.onload = () => setTriggerValue("picture", reader.result)
    reader.readAsDataURL(item.getAsFile())
    event.preventDefault()
  }
}
"""


def pasted() -> bytes | None:
    """The picture that was just pasted, if one was."""
    component = st.components.v2.component("scenelet_paste", html=_HTML, css=_CSS, js=_JS)
    found = component(key="paste", on_picture_change=lambda: None)
    if not found.picture:
        return None
    return base64.b64decode(found.picture.partition(",")[2])
