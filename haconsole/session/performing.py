"""What carries a plan out, wired to one cluster."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from haconsole.actions.step import Plan
from haconsole.configs.layout import layout
from haconsole.execution.checks import Checks
from haconsole.execution.clock import Clock
from haconsole.execution.cluster import ClusterChecks
from haconsole.execution.executor import Executor
from haconsole.execution.journal import Heading, Journal, Operator, run_id
from haconsole.execution.observer import Observer
from haconsole.execution.perform import Performer
from haconsole.execution.records import RunRecord
from haconsole.execution.site import Site
from haconsole.inventory.parts import parts_of
from haconsole.inventory.schema import Inventory
from haconsole.probes.site import Pace
from haconsole.probes.site import Site as ProbeSite
from haconsole.session.record import Record
from haconsole.transport.base import Fleet
from haconsole.transport.redact import redact

RUN_DIR = "/run/haconsole"
"""Where hosts keep what runs detached; gone with a restart, as it must be."""


@asynccontextmanager
async def performing(
    plan: Plan, inventory: Inventory, fleet: Fleet, clock: Clock, record: Record, earlier: RunRecord | None = None
) -> AsyncIterator[Executor]:
    """An executor of `plan`, recorded under a new run; what it keeps open ends with the block.

    With an `earlier` run of this plan it carries that one on, in the same record.
    """
    site = Site(inventory, fleet, Observer(fleet), clock, RUN_DIR)
    probing = ProbeSite(inventory, layout(inventory), fleet, clock.now, secrets.token_bytes(16), Pace())
    known = tuple(vip.auth_pass for vip in inventory.vips if vip.auth_pass is not None)
    hide = partial(redact, secrets=known)
    now = clock.now()
    run = earlier.heading.run if earlier else run_id(plan.action, now, secrets.token_hex(2))
    operator = Operator(getpass.getuser(), socket.gethostname(), os.getpid())
    try:
        yield Executor(
            plan,
            Heading(run, now, operator, record.source, record.digest, parts_of(inventory)),
            checks=Checks(site, plan, ClusterChecks(probing)),
            performer=Performer(site, plan, run),
            journal=Journal(earlier.path if earlier else record.folder / f"{run}.jsonl", clock, hide),
            clock=clock,
            redact=hide,
            so_far=earlier.steps if earlier else None,
        )
    finally:
        await site.observer.close()
