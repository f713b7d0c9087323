"""`scenelet package`, `preflight`, `deploy`, `doctor`: from a bundle to an address."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scenelet.cli.cluster import Machines, examine_cluster, on_machines
from scenelet.cli.options import bundle_at
from scenelet.cli.output import command, needs_extra, stderr, stdout, wrote
from scenelet.cli.settings import given, with_settings
from scenelet.progress import ConsoleProgress, Progress

if TYPE_CHECKING:
    from scenelet.deploy.aws.account import Finding
    from scenelet.deploy.aws.preparing import Prepared
    from scenelet.deploy.aws.release import Deployed, Release
    from scenelet.deploy.aws.settings import DeploySettings
    from scenelet.deploy.package import Package
    from scenelet.deploy.preflight import Preflight
    from scenelet.deploy.preflight.checks import Check

StackOption = Annotated[str, typer.Option(help="Name of the stack, and of its function.")]
RegionOption = Annotated[
    str | None, typer.Option(help="AWS region; default: as AWS's own tools take it.")
]
BucketOption = Annotated[
    str | None, typer.Option(help="Bucket for packages; default: one of ours, made when needed.")
]
PythonOption = Annotated[
    str, typer.Option(help="Python of the Lambda runtime: 3.12, 3.13 or 3.14.")
]
ArchOption = Annotated[str, typer.Option(help="Processor: x86_64 or arm64.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]
TokenOption = Annotated[
    bool | None,
    typer.Option(
        "--token/--no-token",
        help="Requests must carry a token, made now and shown once; default: as it stands.",
    ),
]
_MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "[yellow]?[/]"}
_WORTH_TELLING_BYTES = 50_000


def package(
    bundle: Annotated[
        Path | None,
        typer.Argument(
            callback=bundle_at,
            help="Bundle folder, or hub:OWNER/NAME; default: the Intel scenes bundle.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File or folder to write; default: packages/NAME-ARCH.zip.")
    ] = None,
    image: Annotated[
        bool,
        typer.Option(
            "--image/--zip", help="A folder with a Dockerfile to build an image from, or a zip."
        ),
    ] = False,
    arch: ArchOption = "x86_64",
    python: PythonOption = "3.13",
    as_json: JsonOption = False,
) -> None:
    """Pack a bundle for AWS Lambda: what serving needs alone, the same bytes each time.

    Example: `scenelet package models/intel-scenes`
    """
    with needs_extra("aws"):
        from scenelet.deploy.package import package_image, package_zip
    from scenelet.bundle.contract import read_contract
    from scenelet.deploy.target import Target
    from scenelet.shipped import default_bundle

    folder, target = bundle or default_bundle(), Target(python, arch)
    name = f"{read_contract(folder).name}-{arch}"
    pack = package_image if image else package_zip
    made = pack(folder, out or Path("packages") / (name if image else f"{name}.zip"), target)
    if not made.compiled:
        remark = f"no Python {python} here, so no bytecode is in it: its cold start is slower"
        stderr().print(remark, style="yellow", highlight=False)
    _show_package(made, as_json, image)


def _show_package(made: "Package", as_json: bool, image: bool) -> None:
    if as_json:
        names = ("sha256", "zip_bytes", "unzipped_bytes", "shares")
        values = {name: getattr(made, name) for name in names}
        typer.echo(json.dumps({"path": str(made.path), **values}))
        return
    for part, size in made.shares.items():
        if size > _WORTH_TELLING_BYTES:
            typer.echo(f"{part:16} {size / 1e6:6.2f} MB")
    if image:
        wrote("folder for an image", made.path, command("docker", "build", made.path))
        return
    sizes = f"{made.zip_bytes / 1e6:.2f} MB, {made.unzipped_bytes / 1e6:.1f} MB unzipped"
    wrote(f"package of {sizes}", made.path, command("scenelet", "preflight", made.path))


def preflight(
    package: Annotated[Path, typer.Argument(help="Zip that `package` wrote.")],
    memory: Annotated[int, typer.Option(help="Memory in MiB that it is tried with.")] = 512,
    as_json: JsonOption = False,
) -> None:
    """Tell whether it starts on Lambda, answers as recorded, and what it costs.

    Exit code 1 with the reason if it would not do.

    Example: `scenelet preflight packages/intel-scenes-x86_64.zip`
    """
    with needs_extra("aws"):
        from scenelet.deploy.preflight import preflight
    from scenelet.deploy.described import Packed

    found = preflight(Packed.open(package), memory, progress=ConsoleProgress())
    if as_json:
        typer.echo(found.to_json())
    else:
        _show_preflight(found)
    found.require(str(package))


def _setting_classes() -> tuple[type, ...]:
    """Without boto3: the modules of settings need nothing."""
    from scenelet.deploy.aws.settings import DeploySettings
    from scenelet.serve.settings import Settings

    return DeploySettings, Settings


@with_settings(_setting_classes, hidden=("token_sha256", "body_timeout_s"))
def deploy(
    source: Annotated[
        Path | None,
        typer.Argument(
            callback=bundle_at,
            help="Bundle folder or package; default: the Intel scenes bundle.",
        ),
    ] = None,
    *,
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    bucket: BucketOption = None,
    arch: ArchOption = "x86_64",
    python: PythonOption = "3.13",
    token: TokenOption = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show changes and price, and change nothing.")
    ] = False,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the IAM policy that a deployment needs.")
    ] = False,
    emit: Annotated[
        Literal["cloudformation", "terraform"] | None,
        typer.Option(help="Write files for a team's own pipeline in place of deploying."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that --emit writes.")] = Path("infrastructure"),
    **settings: Any,
) -> None:
    """Bring a bundle to an HTTPS address; proved by its golden pictures, or taken back.

    Example: `scenelet deploy models/intel-scenes --region eu-central-1`
    or, to look first: `scenelet deploy models/intel-scenes --plan`
    """
    if plan and not (policy or emit) and _has_no_account():
        _plan_without_account(source, arch, python, _settings(settings))
        return
    release = release_of(stack, region, bucket)  # no credentials is said before anything is packed
    if policy:
        typer.echo(release.policy(_settings(settings)))
        return
    wanted, secret = _with_token(_settings(settings), release, token)
    progress = ConsoleProgress()
    standing_mib = release.standing_memory_mib()
    prepared = _prepared(source, arch, python, wanted, standing_mib, progress)
    if emit:
        _emit(release, prepared, wanted, emit, out)
        return
    _show_price(prepared, wanted, release)
    if plan:
        _show_plan(release.plan(prepared.packed, wanted, prepared.memory_mib), stack)
        return
    _say_who_may_ask(wanted, secret)
    _show_deployed(release.deploy(prepared.packed, wanted, prepared.memory_mib, progress))


def _prepared(
    source: Path | None,
    arch: str,
    python: str,
    wanted: "DeploySettings",
    standing_mib: int | None,
    progress: Progress,
) -> "Prepared":
    """Packed, and proved at the memory that it will have."""
    from scenelet.deploy.aws.preparing import packed_from, prepare
    from scenelet.deploy.target import Target
    from scenelet.shipped import default_bundle

    packed = packed_from(source or default_bundle(), Target(python, arch), progress)
    return prepare(packed, wanted, standing_mib, progress)


def _has_no_account() -> bool:
    with needs_extra("aws"):
        from scenelet.deploy.aws.plan import NO_LOGIN, lacking
    return NO_LOGIN in lacking()


def _plan_without_account(
    source: Path | None, arch: str, python: str, wanted: "DeploySettings"
) -> None:
    """Proved here, with what would be made and its list price; AWS is not asked."""
    from scenelet.deploy.aws.account import USUAL_CONCURRENCY
    from scenelet.deploy.aws.bill import priced_lines
    from scenelet.deploy.aws.plan import BUCKET, MADE, lacking
    from scenelet.deploy.aws.price import LIST

    prepared = _prepared(source, arch, python, wanted, None, ConsoleProgress())
    for line in priced_lines(prepared, wanted, LIST, wanted.concurrency or USUAL_CONCURRENCY):
        typer.echo(line)
    typer.echo("would be made, besides what options ask for, where nothing of it stands yet:")
    for each in (*MADE, BUCKET):
        typer.echo(f"  {each}")
    told = f"{', '.join(lacking())}: AWS was not asked, and nothing was made."
    typer.echo(f"{told} Log in (aws login), and the same command compares with what stands there")


def _emit(
    release: "Release",
    prepared: "Prepared",
    settings: "DeploySettings",
    tool: Literal["cloudformation", "terraform"],
    out: Path,
) -> None:
    from scenelet.deploy.aws.emit import write_infrastructure

    made = write_infrastructure(release, prepared, settings, tool, out)
    wrote(f"files for {tool}", made, f"look at {made}/README.md")


def _show_deployed(done: "Deployed") -> None:
    answers = "answers" if done.changed else "answers, nothing was to be changed"
    typer.echo(f"version {done.version} {answers}: {done.endpoint}")
    typer.echo(f"golden pictures answered as recorded, largest difference {done.difference:.1e}")
    typer.echo(f"next: scenelet predict --endpoint {done.endpoint} photo.jpg")


PlaceOption = Annotated[
    Path | None,
    typer.Option(help="For --engine ray: folder or address that all nodes must reach."),
]


@on_machines
def doctor(
    *,
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    bucket: BucketOption = None,
    place: PlaceOption = None,
    machines: Machines,
) -> None:
    """Can this account deploy? Who, where, instances, names, permissions; changes nothing.

    With --engine ray: is a cluster fit? Versions of all nodes, and a place that all must reach.

    Example: `scenelet doctor --region eu-central-1`
    or `scenelet doctor --engine ray --address 10.0.0.7:6379 --place s3://bucket/photos`
    """
    if machines.is_cluster:
        examine_cluster(machines, place)
        return

    release = release_of(stack, region, bucket, known=False)
    from scenelet.deploy.aws.account import doctor as look

    found = look(release.cloud, release.identity)
    _show_looks(found)
    if any(each.ok is False for each in found):
        raise typer.Exit(1)
    typer.echo(f"next: scenelet deploy --stack {stack} --region {release.cloud.region} --plan")


def release_of(
    stack: str, region: str | None, bucket: str | None = None, known: bool = True
) -> "Release":
    """A stack's release; with `known`, the credentials are tried first."""
    with needs_extra("aws"):
        from scenelet.deploy.aws.release import Release
    from scenelet.deploy.aws.cloud import Cloud
    from scenelet.deploy.aws.settings import Identity

    identity = Identity(stack, region, bucket)
    cloud = Cloud(identity.region)
    if known:
        cloud.account()
    return Release(cloud, identity)


def _settings(values: dict[str, Any]) -> "DeploySettings":
    from scenelet.deploy.aws.settings import ON_LAMBDA, DeploySettings
    from scenelet.serve.settings import Settings

    settings = DeploySettings(**given(values, DeploySettings))
    # what is left of Lambda's time-out is for the last picture that was begun
    seconds = {"max_seconds": max(1, settings.timeout_s * 3 // 4)}
    service = replace(ON_LAMBDA, **(seconds | given(values, Settings)))
    return replace(settings, service=service)


def _with_token(
    settings: "DeploySettings", release: "Release", wanted: bool | None
) -> tuple["DeploySettings", str]:
    """With a new token, the one that stands, or none; and the new one, to be shown once."""
    from scenelet.serve.token import new_token, sha256_of

    secret = new_token() if wanted and not release.standing_token() else ""
    stands = "" if wanted is False else release.standing_token()
    hashed = sha256_of(secret) if secret else stands
    return replace(settings, service=replace(settings.service, token_sha256=hashed)), secret


def _say_who_may_ask(settings: "DeploySettings", secret: str) -> None:
    if settings.is_open:
        typer.echo(
            "open to everybody who knows the address: close it with --token, --iam or --jwt-issuer"
        )
        if settings.service.allow_url:
            typer.echo("it fetches public URLs for everybody: --no-allow-url takes pictures alone")
    if service := settings.service if settings.service.collect else None:
        typer.echo(
            f"keeps {service.collect_percent} % of the pictures that it is not sure of, or that are"
            f" like none of its classes, in {service.collect}, for {service.collect_days} days. Its"
            " page asks first; programs that ask it are yours to arrange with\nbring them: scenelet"
            " collect"
        )
    if secret:
        typer.echo(f"token, shown this once: {secret}\nuse it: export SCENELET_TOKEN={secret}")


def _show_plan(changes: list[str], stack: str) -> None:
    for change in changes or ["nothing: the stack is as it would be"]:
        typer.echo(change)
    typer.echo(f"nothing was changed\nnext: scenelet deploy --stack {stack}")


def _show_looks(looks: "Iterable[Check | Finding]") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for each in looks:
        table.add_row(_MARKS[each.ok], each.name, each.detail)
    stdout().print(table)


def _show_preflight(found: "Preflight") -> None:
    _show_looks(found.checks)
    if found.measured is None:
        return
    measured = found.measured
    typer.echo(
        f"\nprocessor time here: {measured.init_ms:.0f} ms to start, {measured.first_ms:.0f} ms the"
        f" first answer, then {measured.warm_ms:.1f} ms; ordinary pictures take"
        f" {measured.peak_mib:.0f} MiB at most"
    )
    _show_sizes(found)


def _show_sizes(found: "Preflight") -> None:
    from rich.table import Table

    from scenelet.deploy.aws.price import PRICES_OF, estimates, recommended

    if found.measured is None:
        return
    columns = ("memory", "a core's share", "first answer", "then", "$ a million answers", "")
    costs = estimates(found.target.architecture, found.measured)
    best, sizes = recommended(costs), Table(*columns, box=None, pad_edge=False)
    for each in costs:
        remark = "recommended" if each is best else "" if each.fits else "too little"
        sizes.add_row(
            f"{each.memory_mib} MiB",
            f"{min(1.0, each.memory_mib / costs[-1].memory_mib):.0%}",
            f"{each.cold_ms:.0f} ms",
            f"{each.warm_ms:.0f} ms",
            f"{each.per_million_usd:.2f}",
            remark,
        )
    stdout().print(sizes)
    typer.echo(f"estimated for {found.target.architecture} (prices: {PRICES_OF})")


def _show_price(prepared: "Prepared", settings: "DeploySettings", release: "Release") -> None:
    from scenelet.deploy.aws.bill import bill_lines

    for line in bill_lines(prepared, settings, release.cloud, release.identity.stack):
        typer.echo(line)
