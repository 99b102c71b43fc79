"""`haconsole lab`: the practice cluster on this machine."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TypedDict

import click
import msgspec

from haconsole.cli.arguments import Number
from haconsole.cli.lab_progress import progress_on
from haconsole.errors import UsageError
from haconsole.lab import drills
from haconsole.lab.faults import SCENARIOS
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.prepare import prepare as prepare_machine
from haconsole.lab.progress import Progress
from haconsole.lab.shape import LabShape
from haconsole.lab.spec import DEFAULT_NAME, Balancer, Debian, EtcdTopology, KubeadmSpec


class _OneOf(TypedDict):
    """Settings of an option that takes one of an enumeration's values."""

    type: click.Choice[str]
    callback: Callable[[click.Context, click.Parameter, str | None], StrEnum | None]


def _one_of(kind: type[StrEnum]) -> _OneOf:
    """An option's value is one of the values of `kind` (click's own choice of an enumeration takes names)."""
    return _OneOf(
        type=click.Choice([member.value for member in kind]),
        callback=lambda context, option, value: None if value is None else kind(value),
    )


_NAME = click.option("--name", default=DEFAULT_NAME, show_default=True, metavar="NAME", help="The lab's name.")
_KUBERNETES_BIN = click.option(
    "--kubernetes-bin",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="DIR",
    help="Take the Kubernetes programs from DIR, not from the official release or a build.",
)
_NO_KUBERNETES = click.option("--no-kubernetes", is_flag=True, help="Leave the Kubernetes programs out.")

_KUBEADM = click.option(
    "--kubeadm", is_flag=True, help="Install containerd, kubelet, kubeadm and images on the hosts, but no cluster."
)
_DEBIAN = click.option("--debian", **_one_of(Debian), help="Debian release of the hosts; bookworm by default.")
_MIRROR = click.option("--mirror", metavar="URL", help="Debian archive to build from; by default the one apt uses.")

MOST_SEEDS = 10_000
"""Seeds that are drawn are short enough to be typed."""


@click.group()
def lab() -> None:
    """Create practice clusters of real hosts on this machine (Linux, root), and cause faults on them."""


@lab.command(short_help="Install and build what labs need; run it again to check.")
@_KUBERNETES_BIN
@_NO_KUBERNETES
@_KUBEADM
@_DEBIAN
@_MIRROR
def prepare(
    kubernetes_bin: Path | None, no_kubernetes: bool, kubeadm: bool, debian: Debian | None, mirror: str | None
) -> None:
    """Install and build the parts of such labs; a second call has nothing to do."""
    layout = _layout(kubeadm, None, None, no_kubernetes)
    shape = LabShape(
        kubernetes=not no_kubernetes, kubernetes_bin=kubernetes_bin, debian=debian, kubeadm=layout, mirror=mirror
    )
    with _showing() as progress:
        prepare_machine(Places.of(), progress, shape)
    click.echo("prepared; `haconsole lab up` creates a lab", err=True)


@lab.command(short_help="Create a lab's hosts and boot them.")
@_NAME
@click.option("--hosts", type=Number(1, integer=True), metavar="N", help="Control planes; default 3.")
@click.option("--workers", type=Number(0, integer=True), metavar="N", help="Workers; default 0.")
@click.option(
    "--bastion",
    is_flag=True,
    default=None,
    help="Add a bastion; this machine reaches the hosts only through the bastion.",
)
@_KUBERNETES_BIN
@_NO_KUBERNETES
@_KUBEADM
@click.option("--etcd", **_one_of(EtcdTopology), help="etcd topology of a kubeadm lab; default: stacked.")
@click.option(
    "--balancer", **_one_of(Balancer), help=("Load balancer for the API servers of a kubeadm lab; default: hosts.")
)
@_DEBIAN
@_MIRROR
@click.option("--from", "saved", metavar="SAVED", help="Start a lab that `lab save` saved.")
def up(
    name: str,
    hosts: int | None,
    workers: int | None,
    bastion: bool | None,
    kubernetes_bin: Path | None,
    no_kubernetes: bool,
    kubeadm: bool,
    etcd: EtcdTopology | None,
    balancer: Balancer | None,
    debian: Debian | None,
    mirror: str | None,
    saved: str | None,
) -> None:
    """Create a lab's hosts and boot them; repair missing parts of an existing lab."""
    one = Lab(name)
    layout = _layout(kubeadm, etcd, balancer, no_kubernetes)
    shape = LabShape(hosts, workers, bastion, not no_kubernetes, kubernetes_bin, debian, layout, mirror)
    if saved is not None and shape != LabShape():
        raise UsageError(
            "--from takes hosts and roles from the saved lab", hint="with --from, pass no other option than --name"
        )
    with _showing() as progress:
        changed = True
        if saved is not None:
            one.up_from(saved, progress)
        else:
            changed = one.up(shape, progress)
    click.echo("up" if changed else "nothing to do: the lab is already up", err=True)
    click.echo(one.inventory_path)


def _layout(
    kubeadm: bool, etcd: EtcdTopology | None, balancer: Balancer | None, no_kubernetes: bool
) -> KubeadmSpec | None:
    """The layout for kubeadm by the options; raises UsageError for options that contradict each other."""
    if kubeadm and no_kubernetes:
        raise UsageError("--kubeadm needs the Kubernetes programs", hint="leave --no-kubernetes out")
    if kubeadm:
        return KubeadmSpec(etcd or EtcdTopology.STACKED, balancer or Balancer.HOSTS)
    if etcd or balancer:
        raise UsageError("--etcd and --balancer are for kubeadm labs", hint="add --kubeadm")
    return None


@lab.command()
@_NAME
@click.argument("saved")
def save(name: str, saved: str) -> None:
    """Save a lab with its cluster for `lab up --from SAVED`.

    SAVED is a name, or a folder if it has a slash. The hosts lose power and boot again.
    """
    with _showing() as progress:
        folder = Lab(name).save(saved, progress)
    click.echo("saved", err=True)
    click.echo(folder)


@lab.command()
@_NAME
def down(name: str) -> None:
    """Remove a lab; only the cache stays."""
    there = Lab(name).down()
    click.echo("down" if there else f"there is no lab `{name}`", err=True)


@lab.command(short_help="Show the state of each host.")
@_NAME
@click.option("--json", "as_json", is_flag=True, help="Print JSON in the format haconsole/lab/v1.")
def status(name: str, as_json: bool) -> int:
    """Show the state of each host; exits with 0 when every one accepts a login, 1 otherwise."""
    one = Lab(name)
    hosts, faults = one.status(), drills.standing(one)
    if as_json:
        click.echo(msgspec.json.encode({"schema": "haconsole/lab/v1", "lab": name, "hosts": hosts, "faults": faults}))
    else:
        for host in hosts:
            state = "up" if host.reachable else "running, sshd does not answer" if host.running else "off"
            click.echo(f"{host.name:<10} {host.address:<15} {state}")
        for fault in faults:
            click.echo(f"broken on purpose: {fault}")
    return 0 if all(host.reachable for host in hosts) else 1


@lab.command()
@_NAME
@click.option("--show", is_flag=True, help="Print the inventory's content, not its path.")
def inventory(name: str, show: bool) -> None:
    """Print the path of a lab's inventory."""
    one = Lab(name)
    text = one.read_inventory()
    click.echo(text if show else one.inventory_path, nl=not show)


@lab.command("exec", short_help="Run a command as root on a host.", context_settings={"ignore_unknown_options": True})
@_NAME
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, host: str, command: tuple[str, ...]) -> int:
    """Run a command as root on a host; exits with the command's own exit status."""
    return subprocess.run(Lab(name).command(host, command), check=False).returncode


@lab.command("break")
@_NAME
@click.option("--host", metavar="HOST", help="The host to break, for scenarios about one host.")
@click.option(
    "--random", "at_random", is_flag=True, help="Choose the scenario and the hosts at random, and do not show which."
)
@click.option(
    "--seed",
    type=Number(0, integer=True),
    metavar="N",
    help="With --random: the same number chooses the same fault again.",
)
@click.argument("scenario", required=False)
def break_(name: str, host: str | None, at_random: bool, seed: int | None, scenario: str | None) -> None:
    """Cause a fault for practice; without a SCENARIO, list them."""
    if at_random:
        if scenario is not None or host is not None:
            raise UsageError("--random draws the scenario and its hosts", hint="leave SCENARIO and --host out")
        number = secrets.randbelow(MOST_SEEDS) if seed is None else seed
        drills.break_at_random(Lab(name), number)
        click.echo(
            f"one fault was caused, chosen at random with seed {number}: find it with `haconsole "
            f"{Lab(name).inventory_path}`"
        )
        click.echo(f"the answer: `haconsole lab status --name {name}`; undo: `haconsole lab heal --name {name}`")
        return
    if seed is not None:
        raise UsageError("--seed is for --random", hint="add --random")
    if scenario is None:
        for known, about in SCENARIOS.items():
            click.echo(f"{known:<20} {about.what}")
        return
    for fault in drills.break_lab(Lab(name), scenario, host):
        click.echo(str(fault))


@lab.command()
@_NAME
def heal(name: str) -> None:
    """Undo every fault of `break`, and boot hosts that are off."""
    faults = drills.heal(Lab(name))
    for fault in faults:
        click.echo(f"healed {fault}")
    if not faults:
        click.echo("nothing was broken", err=True)


@contextmanager
def _showing() -> Iterator[Progress]:
    """Progress on standard error, closed in any case; a termination signal is handled like Ctrl-C."""
    progress = progress_on(sys.stderr)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield progress
    finally:
        progress.finish()
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
