"""Renews a leaf certificate: makes a new key and certificate, and replaces the old ones, which are kept as a backup."""

from __future__ import annotations

from typing import assert_never

from haconsole.actions.checks import CertificateInPlace
from haconsole.actions.operations import IssueCertificate, PairForm
from haconsole.actions.step import Step
from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.script import run_script
from haconsole.execution.outcome import OperationResult, failure, success, unknown_end
from haconsole.execution.pki.authorities import Authorities
from haconsole.execution.verify.local_checks import judge, queries, wanted_leaf
from haconsole.pki.keys import key_command
from haconsole.pki.leaf import read_request, sign_leaf
from haconsole.scripts import load_script

REQUEST = load_script("renewal-request")

SWAP = load_script("renewal-swap")

SWAP_EMBEDDED = load_script("renewal-swap-embedded")

SWAP_COMBINED = load_script("renewal-swap-combined")


async def renew_certificate(
    context: ExecutionContext, authorities: Authorities, step: Step, issue: IssueCertificate, end: str
) -> OperationResult:
    """Do it, unless an attempt without a known result has done it."""
    leaf_queries = queries(CertificateInPlace(), step)
    answers = await context.host_state.query(step.host, leaf_queries)
    if not judge(CertificateInPlace(), step, answers, context.cluster.inventory, context.clock.now()):
        return success(f"{issue.cert_path} was already replaced")
    transport = context.cluster.fleet.host(step.host)
    folder, _, name = issue.cert_path.rpartition("/")
    stage = f"{folder}/.new-{name}"
    new_key = f"{stage}/{issue.key_path.rpartition('/')[2] if issue.form is PairForm.FILES else 'key'}"
    make_key = key_command(context.cluster.inventory.pki.algorithm, new_key)
    request = await run_script(transport, REQUEST, (stage, new_key, *make_key), deadline_s=60.0)
    if request.exit_status is None:
        return unknown_end(f"{step.host}: the connection was lost while a key for {issue.cert_path} was generated")
    if not request.ok:
        return failure(f"{step.host}: openssl could not generate {new_key}: {request.stderr.strip()}", request.stderr)
    key = read_request(request.stdout.encode(), algorithm=context.cluster.inventory.pki.algorithm)
    authority = await authorities.load(issue, step.host)
    now = context.clock.now()
    signed = sign_leaf(authority, wanted_leaf(issue), key, days=context.cluster.inventory.pki.leaf_days, now=now)
    signed += await authorities.cross(issue, authority, step.host)
    new_certificate = f"{stage}/{name if issue.form is PairForm.FILES else 'certificate'}"
    await transport.write_file(new_certificate, signed, mode=0o644)
    swapped = await run_script(transport, *_swap(issue, stage, end), deadline_s=30.0)
    if swapped.exit_status is None:
        return unknown_end(f"{step.host}: the connection was lost while {issue.cert_path} was replaced")
    if not swapped.ok:
        return failure(
            f"{step.host}: {issue.cert_path} could not be replaced: {swapped.stderr.strip()}", swapped.stderr
        )
    return success(swapped.stdout.strip() or f"wrote {issue.cert_path}")


def _swap(issue: IssueCertificate, stage: str, end: str) -> tuple[str, tuple[str, ...]]:
    """The script that puts the pair in `stage` into place, with its arguments."""
    words = (stage, end, issue.owner, issue.cert_path)
    match issue.form:
        case PairForm.FILES:
            return SWAP, (*words, issue.key_path)
        case PairForm.KUBECONFIG:
            return SWAP_EMBEDDED, words
        case PairForm.COMBINED:
            return SWAP_COMBINED, words
        case _:
            assert_never(issue.form)
