"""`scenelet publish`: a bundle to where others take it from."""

from typing import Annotated

import typer

from scenelet.cli.options import AsJson, Bundle
from scenelet.cli.output import command, needs_extra, tell, tell_json

Address = Annotated[str, typer.Argument(metavar="hub:OWNER/NAME", help="Where it shall be.")]
DataSet = Annotated[
    str,
    typer.Option(metavar="OWNER/NAME", help="The hub's name of its training data, if it has one."),
]
Private = Annotated[bool, typer.Option(help="A repository that is made now is yours alone.")]


def publish(
    address: Address,
    *,
    bundle: Bundle = None,
    data_set: DataSet = "",
    private: Private = False,
    as_json: AsJson = False,
) -> None:
    """Send a bundle to the Hugging Face hub: card, checked files, safetensors.

    Every command that takes a bundle takes `hub:OWNER/NAME` then.

    Example: `scenelet publish hub:me/photos --bundle bundles/photos`
    """
    with needs_extra("hf"):
        import huggingface_hub  # noqa: F401
    with needs_extra("train"):
        from scenelet.export.hub import publish as send
    from scenelet.shipped import default_bundle

    sent = send(bundle or default_bundle(), address, data_set, private)
    if as_json:
        tell_json({"url": sent.url, "size_bytes": dict(sent.size_bytes)})
        return
    total = sum(sent.size_bytes.values())
    tell(f"sent {len(sent.size_bytes)} files, {total / 1e6:.1f} MB: {sent.url}")
    tell(f"next: {command('scenelet', 'predict', '--bundle', address, 'photo.jpg')}")
