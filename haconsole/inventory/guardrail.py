"""Guardrails: rules for changes that a cluster's owners write into its inventory, each with its reason."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from haconsole.inventory.values import Part, Sentence, TimeOfDay, TimeZone

ActionName: TypeAlias = Literal[
    "prepare",
    "bootstrap",
    "join",
    "remove",
    "replace",
    "rejoin",
    "rotate-certs",
    "move-leader",
    "drain",
    "ready",
    "backup",
    "defrag",
    "disarm-alarm",
    "failover",
    "failback",
    "announce-vip",
    "restart",
    "unmask",
    "update-member",
    "reconfigure",
    "repair",
    "free-space",
    "restore",
    "undo",
]
"""The actions by their names; `undo` is the undo of any run."""


class GuardrailKind(StrEnum):
    """The restriction of a guardrail."""

    NO_CHANGES = "no-changes"
    AT_MOST = "at-most"
    TYPED_NAME = "typed-name"
    REFUSE = "refuse"


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Guardrail(Part, frozen=True, kw_only=True):
    """A rule for changes. Overriding it needs a typed reason, which the run log keeps."""

    rule: Annotated[
        GuardrailKind,
        Meta(
            description=(
                "no-changes: no run may start between `start` and `end`. at-most: no run may start while `count` "
                "runs of this account are running, counted over all clusters. typed-name: a run is confirmed by "
                "typing the cluster's name. refuse: no run may start."
            )
        ),
    ]
    reason: Annotated[Sentence, Meta(description="The reason, shown to everybody whom the rule stops.")]
    actions: Annotated[
        tuple[ActionName, ...],
        Meta(
            title="a list of actions",
            examples=[["restore"]],
            description="The actions that the rule restricts; default: all.",
        ),
    ] = ()
    start: Annotated[
        TimeOfDay | None, Meta(description="For the rule no-changes: the time from which no run may start.")
    ] = None
    end: Annotated[
        TimeOfDay | None,
        Meta(
            description=(
                "For the rule no-changes: the time when runs may start again. If it is earlier than `start`, it "
                "is on the next day."
            )
        ),
    ] = None
    days: Annotated[
        tuple[Weekday, ...],
        Meta(
            title="a list of days",
            examples=[["mon", "tue"]],
            description="The days on which `start` applies; default: every day.",
        ),
    ] = ()
    time_zone: Annotated[TimeZone, Meta(description="The time zone of `start`, `end` and `days`.")] = "UTC"
    count: Annotated[
        Annotated[int, Meta(ge=1, le=100, title="a number of runs")] | None,
        Meta(description="For the rule at-most: the number of runs that may be active at the same time."),
    ] = None
