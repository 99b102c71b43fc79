"""Performs IssueCertificate: the key is generated on its host and stays there; request and certificate travel."""

from __future__ import annotations

from haconsole.actions.operations import IssueCertificate, PairForm
from haconsole.actions.step import Step
from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.files import put_file
from haconsole.execution.host.script import run_script
from haconsole.execution.outcome import OperationResult, failure, success, unknown_end
from haconsole.execution.pki.authorities import Authorities
from haconsole.execution.pki.renewal import renew_certificate
from haconsole.execution.verify.local_checks import wanted_leaf
from haconsole.pki.keys import key_command
from haconsole.pki.leaf import read_request, sign_leaf
from haconsole.scripts import load_script

REQUEST = load_script("certificate-request")


async def issue_certificate(
    context: ExecutionContext, authorities: Authorities, step: Step, issue: IssueCertificate, end: str
) -> OperationResult:
    """Generate the key if there is none, have its request signed, install the certificate."""
    if issue.replaces or issue.form is not PairForm.FILES:
        return await renew_certificate(context, authorities, step, issue, end)
    transport = context.cluster.fleet.host(step.host)
    algorithm = context.cluster.inventory.pki.algorithm
    make_key = key_command(algorithm, f"{issue.key_path}.new")
    request = await run_script(transport, REQUEST, (issue.key_path, issue.owner, *make_key), deadline_s=30.0)
    if request.exit_status is None:
        return unknown_end(f"{step.host}: the connection was lost while {issue.key_path} was generated")
    if not request.ok:
        return failure(
            f"{step.host}: openssl could not generate {issue.key_path}: {request.stderr.strip()}", request.stderr
        )
    key = read_request(request.stdout.encode(), algorithm=algorithm)
    authority = await authorities.load(issue, step.host)
    days = context.cluster.inventory.pki.leaf_days
    signed = sign_leaf(authority, wanted_leaf(issue), key, days=days, now=context.clock.now())
    signed += await authorities.cross(issue, authority, step.host)
    return success(await put_file(context, step.host, issue.cert_path, signed, mode=0o644, owner=issue.owner, end=end))
