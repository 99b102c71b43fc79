"""Performs JoinNode: makes a host a node of the cluster with kubeadm join, and explains a failed join.

1. A host with kubelet's kubeconfig that is a registered node, as a control plane with a voting member, has joined: only
   what kubeadm writes last is completed.
2. Otherwise an etcd member or Node object that an interrupted join left behind is removed.
3. Token and key are made, the token is stored, the certificates are uploaded, and kubeadm joins, detached on its host.
4. Token and upload are deleted, whatever the result. A console that is killed before leaves them to expire; a resumed
   run waits for kubeadm's end and deletes them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from haconsole.actions.operations import JoinNode, RunCommand
from haconsole.actions.step import Step
from haconsole.diagnosis.known_texts import recognise
from haconsole.execution.context import ExecutionContext
from haconsole.execution.etcd.member_list import any_member, at_url, host_of
from haconsole.execution.events import Outcome
from haconsole.execution.host.command import pick_up_command, run_command
from haconsole.execution.host.detached import DetachedCommands
from haconsole.execution.host.host_query import NOTHING, HostQuery, QueryKind, content_of
from haconsole.execution.nodes.api import READ_S, any_api
from haconsole.execution.nodes.changes import remember
from haconsole.execution.nodes.credentials import (
    JoinCredentials,
    delete_credentials,
    filled_in,
    make_credentials,
    store_token,
)
from haconsole.execution.outcome import OperationResult, success
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName, StepId
from haconsole.pki.bundle import key_hashes
from haconsole.scripts import load_script
from haconsole.transport.base import TransportError
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind
from haconsole.transport.kube_objects import Node

Tell = Callable[[str], Awaitable[None]]
JOIN = load_script("kubeadm-join")
UPLOAD = load_script("kubeadm-upload-certs")
UPLOAD_S = 120.0
STRATEGIC = "application/strategic-merge-patch+json"


class NodeJoins:
    """The joins of one run; `commands_of` gives the detached commands of a host."""

    def __init__(self, context: ExecutionContext, commands_of: Callable[[HostName], DetachedCommands]) -> None:
        self._context = context
        self._cluster = context.cluster
        self._commands_of = commands_of

    async def pick_up(self, step: Step, operation: JoinNode, attempt: int, boot: str) -> OperationResult | None:
        """The end of a join that an earlier process started; its secrets are deleted then."""
        command = self._command(operation, "")
        result = await pick_up_command(self._commands_of(step.host), step, command, attempt, boot)
        await self._delete_credentials(operation)
        return result

    async def perform(self, step: Step, operation: JoinNode, attempt: int, end: str, tell: Tell) -> OperationResult:
        """Join the step's host, or complete its join."""
        async with any_api(self._cluster, operation.ask) as api:
            node = await api.node(operation.node, deadline_s=READ_S)
            if await self._has_joined(step.host, operation, node):
                return await self._complete(api, operation, step.host)
            await self._forget_half(api, operation, node)
        return await self._join(step, operation, attempt, end, tell)

    async def _has_joined(self, host: HostName, operation: JoinNode, node: Node | None) -> bool:
        """The host has a kubelet of the cluster; whether its node is ready is not judged here."""
        if node is None or not await self._has_kubelet(host):
            return False
        if not operation.peer_url:
            return True
        async with any_member(self._cluster, operation.ask) as etcd:
            member = at_url(await etcd.members(), operation.peer_url)
        return member is not None and member.started and not member.learner

    async def _has_kubelet(self, host: HostName) -> bool:
        kubernetes = self._cluster.layout.kubernetes
        assert kubernetes is not None
        query = HostQuery(QueryKind.STAT, f"{kubernetes.config_dir}/kubelet.conf")
        return (await self._context.host_state.query(host, (query,)))[query] != NOTHING

    async def _forget_half(self, api: KubeApi, operation: JoinNode, node: Node | None) -> None:
        """Remove the member and the Node object of a join that did not end."""
        if operation.peer_url:
            async with any_member(self._cluster, operation.ask) as etcd:
                member = at_url(await etcd.members(), operation.peer_url)
                if member is not None:
                    await etcd.membership.remove(member.id)
        if node is not None:
            await _delete_node(api, operation.node)

    async def _join(self, step: Step, operation: JoinNode, attempt: int, end: str, tell: Tell) -> OperationResult:
        credentials = make_credentials()
        try:
            async with any_api(self._cluster, operation.ask) as api:
                near = api.host
                await store_token(api, operation.node, credentials.token, self._context.clock.now())
            if operation.upload:
                uploaded = await self._upload(step, operation, near, credentials, attempt, end)
                if uploaded.outcome is not Outcome.DONE:
                    return uploaded
                await tell("the certificates are uploaded; kubeadm join runs")
            config = filled_in(operation.config, credentials, await self._ca_hashes(near))
            command = self._command(operation, config)
            return explained(await run_command(self._commands_of(step.host), step, command, attempt, end))
        finally:
            await self._delete_credentials(operation)

    async def _upload(
        self, step: Step, operation: JoinNode, near: HostName, credentials: JoinCredentials, attempt: int, end: str
    ) -> OperationResult:
        """On a host that has the certificates; kubeadm encrypts them with the key."""
        stdin = filled_in(operation.upload, credentials)
        command = RunCommand(("sh", "-ec", UPLOAD, "upload-certs"), stdin=stdin, timeout_s=UPLOAD_S)
        upload = Step(StepId(f"{step.id}.upload"), step.title, step.why, near, command)
        return explained(await run_command(self._commands_of(near), upload, command, attempt, end))

    async def _ca_hashes(self, near: HostName) -> tuple[str, ...]:
        kubernetes = self._cluster.layout.kubernetes
        assert kubernetes is not None
        query = HostQuery(QueryKind.CONTENT, kubernetes.ca.cert)
        certificate = content_of((await self._context.host_state.query(near, (query,)))[query])
        return key_hashes(certificate or b"")

    def _command(self, operation: JoinNode, config: str) -> RunCommand:
        etcd = self._cluster.layout.etcd
        words = ("join", etcd.data_dir if etcd.manifest else "")
        return RunCommand(("sh", "-ec", JOIN, *words), stdin=config, timeout_s=operation.timeout_s)

    async def _delete_credentials(self, operation: JoinNode) -> None:
        """If no API server answers, they expire."""
        try:
            async with any_api(self._cluster, operation.ask) as api:
                await delete_credentials(api, operation.node, upload=bool(operation.upload))
        except TransportError:
            return

    async def _complete(self, api: KubeApi, operation: JoinNode, name: HostName) -> OperationResult:
        """Labels, taints and the entry in ClusterStatus, which kubeadm writes last."""
        if not operation.upload:
            return success(f"node {operation.node} has joined")
        host = host_of(self._cluster, name)
        version = await api.version()
        await api.send("PATCH", f"/api/v1/nodes/{operation.node}", marks(version), kind=STRATEGIC)
        await self._remember(api, operation, host)
        return success(f"node {operation.node} has joined; its labels are complete")

    async def _remember(self, api: KubeApi, operation: JoinNode, host: Host) -> None:
        kubernetes = self._cluster.layout.kubernetes
        await remember(api, operation.node, host.address, kubernetes.api_port if kubernetes else 6443)


def explained(result: OperationResult) -> OperationResult:
    """The result; the error of a failure begins with the cause and the fix, if kubeadm's output names a known one."""
    known = recognise(result.output.splitlines()) if result.outcome is Outcome.FAILED else None
    if known is None:
        return result
    fix = known.kubeadm_fix or known.fix
    return replace(result, error=f"{known.cause}{f' Fix: {fix}.' if fix else ''} {result.error or ''}".strip())


def marks(version: str) -> dict[str, Any]:
    """The labels and taints that kubeadm of this release gives a control plane, as a patch."""
    minor = int(version.lstrip("v").split(".")[1])
    names = (("control-plane", minor >= 20), ("master", minor <= 23))
    tainted = (("control-plane", minor >= 24), ("master", minor <= 24))
    labels = {f"node-role.kubernetes.io/{name}": "" for name, used in names if used}
    taints = [{"key": f"node-role.kubernetes.io/{name}", "effect": "NoSchedule"} for name, used in tainted if used]
    return {"metadata": {"labels": labels}, "spec": {"taints": taints}}


async def _delete_node(api: KubeApi, node: str) -> None:
    try:
        await api.send("DELETE", f"/api/v1/nodes/{node}")
    except KubeError as error:
        if error.kind is not KubeErrorKind.NOT_FOUND:
            raise
