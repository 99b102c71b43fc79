"""Checks whether a step's checks hold on the hosts; queries of one host are combined in one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import assert_never

import msgspec

from haconsole.actions.checks import (
    AnyOf,
    ApiHas,
    ApiserverReady,
    AuthorityInPlace,
    BackendsUp,
    CertificateInPlace,
    Check,
    CommandSucceeds,
    EtcdHealthy,
    FileIs,
    FilesAbsent,
    HasRoom,
    LeaderAmong,
    LeaseHeld,
    MemberGone,
    MemberIs,
    NoAlarm,
    NodeIs,
    NodeRenewed,
    NoMemberAt,
    SameFile,
    SameFiles,
    ServerIs,
    ServiceRunning,
    Single,
    SnapshotHere,
    VipAnswers,
    VipOwned,
)
from haconsole.actions.operations import EnsureAuthority, EnsureKeyPair, TrustAuthority
from haconsole.actions.step import Plan, Step
from haconsole.errors import HaconsoleError
from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.host_query import HostQuery, QueryKind
from haconsole.execution.host.transfer import not_same, not_same_files, not_whole
from haconsole.execution.pki.authorities import ensured_authority
from haconsole.execution.verify.cluster import ClusterQueries
from haconsole.execution.verify.local_checks import (
    LocalCheck,
    Problems,
    judge,
    judge_shared,
    judge_trusted,
    queries,
    shared_queries,
)
from haconsole.inventory.schema import CaKeyPlace
from haconsole.model.names import HostName
from haconsole.transport.base import TransportError


class CheckResult(msgspec.Struct, frozen=True):
    """The reasons why checks fail, and queries that failed; they hold when both are empty."""

    problems: Problems = ()
    unknown: Problems = ()

    @property
    def holds(self) -> bool:
        return not self.problems and not self.unknown

    @property
    def sentences(self) -> Problems:
        return self.problems + self.unknown


class Checks:
    """Evaluates checks of a plan's steps on the hosts of a site."""

    def __init__(self, context: ExecutionContext, plan: Plan, cluster: ClusterQueries) -> None:
        self._context = context
        self._plan = plan
        self._cluster = cluster

    async def ask(self, checks: tuple[Check, ...], step: Step) -> CheckResult:
        """Whether all of `checks` hold for `step` now; evaluated in parallel."""
        local = tuple(check for check in checks if isinstance(check, LocalCheck))
        requests = [self._other(check, step) for check in checks if not isinstance(check, LocalCheck | AnyOf)]
        if local:
            requests.append(self._local(local, step))
        either = [self._any(check, step) for check in checks if isinstance(check, AnyOf)]
        results = await asyncio.gather(*(_result_of(one) for one in requests), *either)
        return CheckResult(
            tuple(problem for result in results for problem in result.problems),
            tuple(problem for result in results for problem in result.unknown),
        )

    async def _any(self, check: AnyOf, step: Step) -> CheckResult:
        """Holds with the first alternative that does; otherwise every failure of each."""
        results = [await self.ask(checks, step) for checks in check.alternatives]
        if any(result.holds for result in results):
            return CheckResult()
        return CheckResult(
            tuple(problem for result in results for problem in result.problems),
            tuple(problem for result in results for problem in result.unknown),
        )

    async def _local(self, checks: tuple[LocalCheck, ...], step: Step) -> Problems:
        own_queries = tuple(query for check in checks for query in queries(check, step))
        answers = await self._context.host_state.query(step.host, own_queries)
        now = self._context.clock.now()
        problems_by_check = (judge(check, step, answers, self._context.cluster.inventory, now) for check in checks)
        return tuple(f"{step.host}: {problem}" for problems in problems_by_check for problem in problems)

    def _other(self, check: Single, step: Step) -> Awaitable[Problems]:
        match check:
            case CommandSucceeds():
                return self._command(check, step)
            case AuthorityInPlace():
                return self._shared(step)
            case EtcdHealthy() | ApiserverReady() | BackendsUp() | VipOwned() | VipAnswers() | LeaseHeld():
                return self._cluster.problems(check, step.host)
            case MemberIs() | MemberGone() | NoMemberAt() | LeaderAmong() | ServerIs() | HasRoom() | NoAlarm():
                return self._cluster.problems(check, step.host)
            case NodeRenewed() | NodeIs() | ApiHas():
                return self._cluster.problems(check, step.host)
            case SameFile(here=here, path=path):
                return not_same(self._context.cluster.fleet.host(step.host), here, path)
            case SameFiles(here=here, path=path, ending=ending):
                return not_same_files(self._context.cluster.fleet.host(step.host), here, path, ending)
            case SnapshotHere(here=here):
                return asyncio.to_thread(not_whole, Path(here))
            case FileIs() | FilesAbsent() | ServiceRunning() | CertificateInPlace():
                return self._local((check,), step)
            case _:
                assert_never(check)

    async def _command(self, check: CommandSucceeds, step: Step) -> Problems:
        transport = self._context.cluster.fleet.host(step.host)
        result = await transport.run(check.argv, root=True, deadline_s=check.timeout_s)
        if result.ok:
            return ()
        message = " ".join((result.stderr.strip() or result.stdout.strip()).split())
        return (f"{step.host}: {check.problem}" + (f" ({message})" if message else ""),)

    async def _shared(self, step: Step) -> Problems:
        operation = step.operation
        if isinstance(operation, TrustAuthority):
            return await self._trusted(operation, step.host)
        if not isinstance(operation, EnsureAuthority | EnsureKeyPair):
            raise HaconsoleError(f"step {step.id} checks a CA or key that it does not install", hint="fix the planner")
        keys = isinstance(operation, EnsureKeyPair) or self._context.cluster.inventory.pki.ca_key is CaKeyPlace.HOSTS
        state, ca_queries = self._context.host_state, shared_queries(operation, keys=keys)
        answers = await asyncio.gather(*(state.query(host, ca_queries) for host in operation.hosts))
        return judge_shared(operation, dict(zip(operation.hosts, answers, strict=True)), keys=keys)

    async def _trusted(self, operation: TrustAuthority, host: HostName) -> Problems:
        ensured = ensured_authority(self._plan, operation.authority)
        places = dict.fromkeys(ensured.hosts, ensured.cert_path) | {host: operation.cert_path}
        query_by_host = {one: HostQuery(QueryKind.CONTENT, path) for one, path in places.items()}
        answers_by_host = await asyncio.gather(
            *(self._context.host_state.query(one, (query,)) for one, query in query_by_host.items())
        )
        content_by_host = {
            one: answers[query_by_host[one]] for one, answers in zip(query_by_host, answers_by_host, strict=True)
        }
        return judge_trusted(operation, host, content_by_host)


async def _result_of(request: Awaitable[Problems]) -> CheckResult:
    try:
        return CheckResult(problems=await request)
    except TransportError as error:
        return CheckResult(unknown=(str(error),))
