"""`scenelet package`, `preflight`, `deploy`, `status`, `rollback`, `logs`, `destroy`: from a bundle to an address, and back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scenelet.cli.output import needs_extra, stderr, stdout, wrote
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.deploy.aws.preparing import Prepared
    from scenelet.deploy.aws.release import Release
    from scenelet.deploy.aws.settings import DeploySettings
    from scenelet.deploy.preflight import Preflight

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


def package(
    bundle: Annotated[
        Path | None, typer.Argument(help="Bundle folder; default: the Intel scenes bundle.")
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Pack a bundle for AWS Lambda: what serving needs and no more, byte for byte the same each time.

    Example: `scenelet package models/intel-scenes`
    """
    with needs_extra("aws"):
        from scenelet.deploy.package import package_image, package_zip
    from scenelet.bundle.contract import read_contract
    from scenelet.deploy.target import Target
    from scenelet.shipped import default_bundle

    folder, target = bundle or default_bundle(), Target(python, arch)
    name = f"{read_contract(folder).name}-{arch}"
    made = (package_image if image else package_zip)(
        folder, out or Path("packages") / (name if image else f"{name}.zip"), target
    )
    if not made.compiled:
        stderr().print(
            f"no Python {python} on this machine, so no bytecode is in it: its cold start is"
            " slower",
            style="yellow",
            highlight=False,
        )
    if as_json:
        values = {"path": str(made.path), "sha256": made.sha256, "zip_bytes": made.zip_bytes}
        typer.echo(
            json.dumps({**values, "unzipped_bytes": made.unzipped_bytes, "shares": made.shares})
        )
        return
    for part, size in made.shares.items():
        if size > 50_000:
            typer.echo(f"{part:16} {size / 1e6:6.2f} MB")
    what = (
        "folder for an image"
        if image
        else (
            f"package of {made.zip_bytes / 1e6:.2f} MB, {made.unzipped_bytes / 1e6:.1f} MB unzipped"
        )
    )
    wrote(
        what, made.path, f"docker build {made.path}" if image else f"scenelet preflight {made.path}"
    )


def preflight(
    package: Annotated[Path, typer.Argument(help="Zip that `package` wrote.")],
    memory: Annotated[int, typer.Option(help="Memory in MiB that it is tried with.")] = 512,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Will it start on Lambda, answer as recorded, and what will it cost? Exit code 1 with the reason if it would not do.

    Example: `scenelet preflight packages/intel-scenes-x86_64.zip`
    """
    with needs_extra("aws"):
        from scenelet.deploy.preflight import preflight
    from scenelet.deploy.described import Packed

    packed = Packed.open(package)
    found = preflight(packed, memory, progress=ConsoleProgress())
    if as_json:
        typer.echo(found.to_json())
    else:
        _show_preflight(found)
    found.require(str(package))


def deploy(
    source: Annotated[
        Path | None,
        typer.Argument(help="Bundle folder or package; default: the Intel scenes bundle."),
    ] = None,
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    arch: ArchOption = "x86_64",
    python: PythonOption = "3.13",
    memory: Annotated[
        int | None, typer.Option(help="Memory in MiB; default: what preflight recommends.")
    ] = None,
    timeout: Annotated[int, typer.Option(help="Seconds that an answer may take.")] = 20,
    concurrency: Annotated[
        int, typer.Option(help="Instances at most, so that the bill has a ceiling; 0: no limit.")
    ] = 5,
    rate: Annotated[int, typer.Option(help="Requests a second that are let through.")] = 10,
    burst: Annotated[int, typer.Option(help="Requests at once that are let through.")] = 10,
    log: Annotated[
        Literal["none", "line", "few", "all"],
        typer.Option(
            help="none; line: one an answer, for drift; few: and three metrics, free; all: nine by"
            " label, billed."
        ),
    ] = "few",
    log_days: Annotated[int, typer.Option(help="Days that logs are kept.")] = 30,
    allow_url: Annotated[
        bool, typer.Option(help="Fetch URLs that requests name (public addresses only).")
    ] = True,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Origin whose pages may ask; may be repeated."),
    ] = None,
    iam: Annotated[
        bool, typer.Option("--iam", help="Requests must be signed with AWS credentials.")
    ] = False,
    function_url: Annotated[
        bool, typer.Option("--function-url", help="A Function URL in place of an HTTP API.")
    ] = False,
    warm_up: Annotated[
        bool,
        typer.Option("--warm-up", help="Ask every five minutes, so that an instance stays warm."),
    ] = False,
    bucket: BucketOption = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show changes and price, and change nothing.")
    ] = False,
) -> None:
    """Bring a bundle to an HTTPS address on AWS; proved by its golden pictures, or taken back.

    Example: `scenelet deploy models/intel-scenes --region eu-central-1`
    or, to look first: `scenelet deploy models/intel-scenes --plan`
    """
    with needs_extra("aws"):
        from scenelet.deploy.aws.preparing import packed_from, prepare
    from scenelet.deploy.aws.settings import ON_LAMBDA, DeploySettings
    from scenelet.deploy.target import Target
    from scenelet.shipped import default_bundle

    settings = DeploySettings(
        memory_mib=memory,
        timeout_s=timeout,
        concurrency=concurrency,
        rate=rate,
        burst=burst,
        log_days=log_days,
        iam=iam,
        function_url=function_url,
        warm_up=warm_up,
        service=replace(
            ON_LAMBDA, allow_url=allow_url, cors_origins=tuple(cors_origin or ()), log=log
        ),
    )
    progress = ConsoleProgress()
    release = _release(stack, region, bucket)  # no credentials is said before anything is packed
    packed = packed_from(source or default_bundle(), Target(python, arch), progress)
    prepared = prepare(packed, settings, release.standing_memory_mib(), progress)
    _show_price(prepared, settings)
    if plan:
        _show_plan(release.plan(packed, settings, prepared.memory_mib), stack)
        return
    done = release.deploy(packed, settings, prepared.memory_mib, progress)
    answers = "answers" if done.changed else "answers, nothing was to be changed"
    typer.echo(f"version {done.version} {answers}: {done.endpoint}")
    typer.echo(f"golden pictures answered as recorded, largest difference {done.difference:.1e}")
    typer.echo(f"next: scenelet predict --endpoint {done.endpoint} photo.jpg")


def _show_plan(changes: list[str], stack: str) -> None:
    for change in changes or ["nothing: the stack is as it would be"]:
        typer.echo(change)
    typer.echo(f"nothing was changed\nnext: scenelet deploy --stack {stack}")


def status(stack: StackOption = "scenelet", region: RegionOption = None) -> None:
    """Address, versions and alarms of a stack.

    Example: `scenelet status --stack scenelet`
    """
    from scenelet.deploy.aws.watching import alarms

    release = _release(stack, region)
    state = release.stack.state()
    typer.echo(f"stack {stack}: {state.status if state else 'there is none'}")
    if state is None:
        return
    typer.echo(f"address: {release.endpoint()}")
    for version in release.versions.all():
        typer.echo(
            f"{'->' if version.live else '  '} version {version.number:4} {version.description} "
            f" {version.modified[:19]}"
        )
    for name, value in alarms(release.cloud, release.stack).items():
        typer.echo(f"{name}: {value.lower()}")


def rollback(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Version to go to; default: the one before."),
    ] = None,
) -> None:
    """Send requests to the version before, at once.

    Example: `scenelet rollback --stack scenelet`
    """
    release = _release(stack, region)
    typer.echo(f"version {release.rollback(to)} answers: {release.endpoint()}")


def logs(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    since: Annotated[str, typer.Option(help="How far back: 10m, 2h, 3d.")] = "1h",
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more.")] = False,
) -> None:
    """Log lines of the function; `scenelet drift` reads them.

    Example: `scenelet logs --since 2h`
    """
    release = _release(stack, region)
    from scenelet.deploy.aws.watching import logs as lines_of

    for line in lines_of(release.cloud, stack, _seconds(since), follow):
        typer.echo(line)


def destroy(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    bucket: BucketOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a stack and its packages, and nothing else; says what first, and asks.

    Example: `scenelet destroy --stack scenelet`
    """
    release = _release(stack, region, bucket)
    remnants = release.remnants()
    if not remnants:
        typer.echo(f"stack {stack}: there is none, and no package of it")
        return
    for line in remnants:
        typer.echo(line)
    if not yes and not typer.confirm(f"remove these {len(remnants)}?"):
        typer.echo("nothing was removed")
        raise typer.Exit(1)
    release.destroy(ConsoleProgress())
    typer.echo(f"removed: stack {stack} and its packages")


def _release(stack: str, region: str | None, bucket: str | None = None) -> "Release":
    with needs_extra("aws"):
        from scenelet.deploy.aws.release import Release
    from scenelet.deploy.aws.cloud import Cloud
    from scenelet.deploy.aws.settings import Identity

    identity = Identity(stack, region, bucket)
    return Release(Cloud(identity.region), identity)


def _show_preflight(found: "Preflight") -> None:
    from rich.table import Table

    from scenelet.deploy.aws.price import PRICES_OF, estimates, recommended

    table = Table(box=None, pad_edge=False, show_header=False)
    marks = {True: "[green]yes[/]", False: "[red]no[/]", None: "[yellow]?[/]"}
    for check in found.checks:
        table.add_row(marks[check.ok], check.name, check.detail)
    stdout().print(table)
    if found.measured is None:
        return
    measured, costs = found.measured, estimates(found.target.architecture, found.measured)
    typer.echo(
        f"\nprocessor time here: {measured.init_ms:.0f} ms to start, {measured.first_ms:.0f} ms the"
        f" first answer, then {measured.warm_ms:.1f} ms; at most {measured.peak_mib:.0f} MiB"
    )
    best = recommended(costs)
    sizes = Table(
        "memory",
        "a core's share",
        "first answer",
        "then",
        "$ a million answers",
        "",
        box=None,
        pad_edge=False,
    )
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


def _show_price(prepared: "Prepared", settings: "DeploySettings") -> None:
    from scenelet.deploy.aws.price import PRICES_OF, ceiling_usd_a_month, estimate

    architecture, measured = prepared.packed.target.architecture, prepared.found.measured
    if measured:
        usd = estimate(architecture, prepared.memory_mib, measured).per_million_usd
        typer.echo(f"{prepared.memory_mib} MiB: about ${usd:.2f} a million answers ({PRICES_OF})")
    if settings.concurrency:
        most = ceiling_usd_a_month(architecture, prepared.memory_mib, settings.concurrency)
        typer.echo(
            f"{settings.concurrency} instances at most: compute can't come to more than about"
            f" ${most:,.0f} a month"
        )


def _seconds(text: str) -> float:
    from scenelet.errors import ConfigError

    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if len(text) < 2 or text[-1] not in units or not text[:-1].isdecimal():
        raise ConfigError(f"--since: found {text!r}, expected for example 10m, 2h or 3d")
    return float(int(text[:-1]) * units[text[-1]])
