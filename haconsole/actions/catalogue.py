"""All actions with their arguments and planners; the command line and the screen make their forms from this list."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Planner, Request
from haconsole.actions.announce_vip import announce_vip_action
from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.failover import failover_actions
from haconsole.actions.free_space import free_space_action
from haconsole.actions.membership.catalogue import membership_actions
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.preparation.plan import prepare_action
from haconsole.actions.reconfigure import reconfigure_action
from haconsole.actions.repair import repair_action
from haconsole.actions.restart import restart_action
from haconsole.actions.restore import restore_action
from haconsole.actions.rotation.catalogue import rotation_actions
from haconsole.actions.step import Plan, Refusal
from haconsole.actions.storage import tending_actions
from haconsole.actions.traffic import oncall_actions
from haconsole.actions.unmask import unmask_action
from haconsole.actions.update_member import update_member_action
from haconsole.errors import UsageError
from haconsole.inventory.schema import Inventory
from haconsole.model.snapshot import ClusterSnapshot

__all__ = [
    "Action",
    "Argument",
    "ArgumentKind",
    "Planner",
    "Request",
    "catalogue",
    "check_request",
    "find_action",
    "plan_action",
]


def catalogue() -> tuple[Action, ...]:
    """Every action, in the order of a menu."""
    return (
        prepare_action(),
        _bootstrap(),
        *membership_actions(),
        *rotation_actions(),
        *oncall_actions(),
        *tending_actions(),
        *failover_actions(),
        announce_vip_action(),
        restart_action(),
        unmask_action(),
        update_member_action(),
        reconfigure_action(),
        repair_action(),
        free_space_action(),
        restore_action(),
    )


def find_action(name: str) -> Action:
    """The action of that name; raises UsageError that lists all actions."""
    match = next((action for action in catalogue() if action.name == name), None)
    if match is None:
        names = ", ".join(action.name for action in catalogue())
        raise UsageError(f"there is no action {name!r}", hint=f"choose one of: {names}")
    return match


def plan_action(name: str, snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Plan the action of that name; raises UsageError when the request does not fit its arguments."""
    action = find_action(name)
    check_request(action, request)
    return action.planner(snapshot, inventory, request)


def check_request(action: Action, request: Request) -> None:
    """Raises UsageError for an argument the action does not have, lacks, or a value that is not one of its choices."""
    known = {argument.name: argument for argument in action.arguments}
    for name, value in request.items():
        if name not in known:
            raise UsageError(f"{action.name} has no argument {name!r}", hint=_usage(action))
        choices = known[name].choices
        if choices and value not in choices:
            raise UsageError(f"{name} cannot be {value!r}", hint=f"choose one of: {', '.join(choices)}")
    for argument in action.arguments:
        if argument.required and argument.name not in request:
            raise UsageError(f"{action.name} needs {argument.name}", hint=_usage(action))


def _usage(action: Action) -> str:
    words = (_word(argument) for argument in action.arguments)
    return f"use: {' '.join((action.name, *words))}"


def _word(argument: Argument) -> str:
    value = "|".join(argument.choices) or argument.name.upper()
    word = value if argument.positional else f"--{argument.name}"
    word = f"{word}..." if argument.several else word
    if not argument.positional and argument.kind is not ArgumentKind.FLAG:
        word = f"{word} {value}"
    return word if argument.required else f"[{word}]"


def _bootstrap() -> Action:
    def planner(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
        only = request.get("only")
        return plan_bootstrap(snapshot, inventory, BootstrapPart(only) if only else None)

    return Action(
        name="bootstrap",
        title="Bootstrap the cluster",
        help=(
            "Set up the control plane on hosts with only SSH and sudo, and verify it end to end. A second run "
            "continues where the first stopped, and changes nothing if everything is done."
        ),
        arguments=(
            Argument(
                "only",
                ArgumentKind.CHOICE,
                "set up only this part and leave the others unchanged",
                choices=tuple(part.value for part in BootstrapPart),
            ),
        ),
        planner=planner,
        platform=True,
    )
