"""Performs EnsureAuthority and EnsureKeyPair: one CA or key pair on all its hosts, found or generated in memory."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec

from haconsole.actions.operations import EnsureAuthority, EnsureKeyPair, IssueCertificate, TrustAuthority
from haconsole.actions.step import Plan
from haconsole.execution.context import ExecutionContext
from haconsole.execution.host.files import put_file
from haconsole.execution.outcome import OperationResult, failure, success
from haconsole.execution.pki.ca_keys import OperatorKeys
from haconsole.inventory.schema import CaKeyPlace
from haconsole.model.names import HostName
from haconsole.pki.authority import (
    Authority,
    authority_problems,
    cross_certificate,
    load_authority,
    make_authority,
    short,
)
from haconsole.pki.bundle import fingerprint_of, load_certificate, public_key_of
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import KeyPair, PrivateKey, load_public_key, make_token_keys, public_pem


class PairOnHost(msgspec.Struct, frozen=True):
    """The two files of a CA or key pair on one host; None for an absent one."""

    host: HostName
    public: bytes | None
    private: PrivateKey | None


class Authorities:
    """The CAs of one run, each read from hosts or generated once and kept only in memory."""

    def __init__(self, context: ExecutionContext, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        self._loaded: dict[str, Authority] = {}
        self._crossed: dict[str, bytes] = {}
        self._loading: dict[str, asyncio.Lock] = {}

    async def ensure(self, operation: EnsureAuthority) -> OperationResult:
        """Install the same CA on every host of the operation."""
        pairs_found = await self._read(operation.hosts, operation.cert_path, operation.key_path)
        identity_by_host = {one.host: fingerprint_of(one.public) for one in pairs_found if one.public is not None}
        if len(set(identity_by_host.values())) > 1:
            return failure(_differ(f"there are two CAs instead of one ({operation.cert_path})", identity_by_host))
        authority, how = await self._existing(pairs_found, operation), "found"
        if authority is None:
            authority, how = self._make(pairs_found, operation), "made"
        stored = await self._keep(operation.authority, authority, pairs_found)
        on_hosts = None if self._operator_keys else authority.key
        await self._distribute(pairs_found, operation.key_path, operation.cert_path, on_hosts, authority.certificate)
        self._loaded[operation.authority] = authority
        return success(f"{how} {short(authority.certificate)}; on {', '.join(operation.hosts)}{stored}")

    @property
    def _operator_keys(self) -> OperatorKeys | None:
        """The operator's keys, if the inventory keeps CA keys there."""
        if self._context.cluster.inventory.pki.ca_key is not CaKeyPlace.OPERATOR:
            return None
        if self._context.ca_keys is None:
            raise PkiError(
                "the CA keys are on the administrator's machine (pki.ca_keys), where this run cannot read them",
                hint="start this action from the console",
            )
        return self._context.ca_keys

    async def _keep(self, name: str, authority: Authority, pairs_found: tuple[PairOnHost, ...]) -> str:
        """Store the key with the operator, before anything is signed with it; returns a note about that."""
        if self._operator_keys is None:
            return ""
        path = await self._operator_keys.put(name.removesuffix("-next"), authority.key)
        still = ", ".join(one.host for one in pairs_found if one.private is not None)
        return f"; its key is {path}" + (f", and still on {still}: remove the key there" if still else "")

    async def _key(self, certificate: bytes, pairs_found: tuple[PairOnHost, ...]) -> PrivateKey | None:
        """The CA's key: the operator's if keys are kept there, otherwise the one on hosts."""
        stored = self._operator_keys
        key = await stored.find(public_pem(public_key_of(load_certificate(certificate)))) if stored else None
        return key or next((one.private for one in pairs_found if one.private is not None), None)

    async def ensure_pair(self, operation: EnsureKeyPair) -> OperationResult:
        """Install the same key pair on every host of the operation."""
        pairs_found = await self._read(operation.hosts, operation.public_path, operation.private_path)
        pairs = {one.host: _pair(one) for one in pairs_found if one.private is not None}
        identity_by_host = {host: sha256(pair.public).hexdigest() for host, pair in pairs.items()}
        if len(set(identity_by_host.values())) > 1:
            return failure(_differ(f"there are two keys instead of one ({operation.private_path})", identity_by_host))
        stray = [one.host for one in pairs_found if one.public is not None and one.private is None]
        if stray and not pairs:
            return failure(
                f"{stray[0]}: {operation.public_path} exists, but its private key is on no host; rename the public key"
            )
        pair = next(iter(pairs.values()), None) or make_token_keys()
        await self._distribute(pairs_found, operation.private_path, operation.public_path, pair.private, pair.public)
        origin = "existing" if pairs else "new"
        return success(f"the {origin} key pair is now on {', '.join(operation.hosts)}")

    async def trust(self, operation: TrustAuthority, host: HostName, end: str) -> OperationResult:
        """Install the CA's certificate on a host without its key."""
        ensured = ensured_authority(self._plan, operation.authority)
        pairs_found = await self._read(ensured.hosts, ensured.cert_path, ensured.key_path)
        identity_by_host = {one.host: fingerprint_of(one.public) for one in pairs_found if one.public is not None}
        certificate = next((one.public for one in pairs_found if one.public is not None), None)
        if len(set(identity_by_host.values())) > 1 or certificate is None:
            return failure(
                _differ(
                    f"{len(set(identity_by_host.values()))} CAs instead of one ({ensured.cert_path})", identity_by_host
                )
            )
        path = operation.cert_path
        return success(await put_file(self._context, host, path, certificate, mode=0o644, owner="root:root", end=end))

    async def load(self, issue: IssueCertificate, near: HostName) -> Authority:
        """The CA that signs for `issue`, read from the first host that has its key; `near` is queried first."""
        lock = self._loading.setdefault(issue.authority, asyncio.Lock())
        async with lock:
            if issue.authority not in self._loaded:
                self._loaded[issue.authority] = await self._search(issue, near)
            return self._loaded[issue.authority]

    async def cross(self, issue: IssueCertificate, authority: Authority, near: HostName) -> bytes:
        """The certificate after a leaf of `authority`: cross-signed by the old CA, if requested and that CA still
        exists.
        """
        if not issue.cross_cert_path:
            return b""
        async with self._loading.setdefault(issue.cross_key_path, asyncio.Lock()):
            if issue.cross_key_path not in self._crossed:
                self._crossed[issue.cross_key_path] = await self._crossing(issue, authority, near)
            return self._crossed[issue.cross_key_path]

    async def _crossing(self, issue: IssueCertificate, authority: Authority, near: HostName) -> bytes:
        now = self._context.clock.now()
        hosts = tuple(HostName(host.name) for host in self._context.cluster.inventory.hosts)
        for host in dict.fromkeys((near, *hosts)):
            (pairs_found,) = await self._read((host,), issue.cross_cert_path, issue.cross_key_path)
            key = await self._key(pairs_found.public, (pairs_found,)) if pairs_found.public is not None else None
            if pairs_found.public is None or key is None:
                continue
            if authority_problems(pairs_found.public, now=now):
                return b""
            return cross_certificate(load_authority(pairs_found.public, key, now=now), authority.certificate, now=now)
        raise PkiError(
            f"the key of the old CA ({issue.cross_key_path}) is on none of the hosts",
            hint="restore the key: some clients may trust only the old CA until the last phase of the rotation",
        )

    async def _search(self, issue: IssueCertificate, near: HostName) -> Authority:
        ensured = next((one for one in authorities_of(self._plan) if one.authority == issue.authority), None)
        others = (
            ensured.hosts if ensured else tuple(HostName(host.name) for host in self._context.cluster.inventory.hosts)
        )
        paths = (
            (ensured.cert_path, ensured.key_path) if ensured else (issue.authority_cert_path, issue.authority_key_path)
        )
        for host in dict.fromkeys((*((near,) if near in others else ()), *others)):
            (pairs_found,) = await self._read((host,), *paths)
            key = await self._key(pairs_found.public, (pairs_found,)) if pairs_found.public is not None else None
            if pairs_found.public is not None and key is not None:
                return load_authority(pairs_found.public, key, now=self._context.clock.now())
        raise PkiError(
            f"the key of the CA {issue.authority} ({issue.authority_key_path}) is on none of the queried hosts"
            + (" nor with the operator" if self._operator_keys else ""),
            hint="restore the key from a backup, or rotate the CA",
        )

    async def _existing(self, pairs_found: tuple[PairOnHost, ...], operation: EnsureAuthority) -> Authority | None:
        """The CA that exists on some host; None when no host has its certificate."""
        certificate = next((one.public for one in pairs_found if one.public is not None), None)
        if certificate is None:
            return None
        key = await self._key(certificate, pairs_found)
        if key is None:
            hosts = ", ".join(one.host for one in pairs_found if one.public is not None)
            raise PkiError(
                f"{hosts}: {operation.cert_path} exists, but the CA's key ({operation.key_path}) is on no host",
                hint="restore the key, or rename the certificate so that a new CA is generated",
            )
        return load_authority(certificate, key, now=self._context.clock.now())

    def _make(self, pairs_found: tuple[PairOnHost, ...], operation: EnsureAuthority) -> Authority:
        """A new CA; a key without certificate, left by an interrupted run, becomes its key."""
        pki = self._context.cluster.inventory.pki
        key = next((one.private for one in pairs_found if one.private is not None), None)
        now = self._context.clock.now()
        return make_authority(operation.common_name, algorithm=pki.algorithm, days=pki.ca_days, now=now, key=key)

    async def _read(self, hosts: tuple[HostName, ...], public: str, private: str) -> tuple[PairOnHost, ...]:
        async def read(host: HostName) -> PairOnHost:
            transport = self._context.cluster.fleet.host(host)
            data, key = await asyncio.gather(transport.read_file(public), transport.read_file(private))
            return PairOnHost(host, data, PrivateKey(key) if key is not None else None)

        return tuple(await asyncio.gather(*(read(host) for host in hosts)))

    async def _distribute(
        self,
        pairs_found: tuple[PairOnHost, ...],
        private_path: str,
        public_path: str,
        private: PrivateKey | None,
        public: bytes,
    ) -> None:
        """Write the missing files of a host, the key first: a host with the certificate always has the key.

        A key that is right keeps the time of its last change: programs that read it at their start are not outdated.
        """

        async def give(one: PairOnHost) -> None:
            transport = self._context.cluster.fleet.host(one.host)
            if private is not None and one.private == private:
                await transport.run(("chmod", "0600", "--", private_path), root=True)
            elif private is not None:
                await transport.write_file(private_path, private.pem, mode=0o600)
            if one.public != public:
                await transport.write_file(public_path, public, mode=0o644)

        await asyncio.gather(*(give(one) for one in pairs_found))


def authorities_of(plan: Plan) -> tuple[EnsureAuthority, ...]:
    """The CAs that a plan installs."""
    return tuple(step.operation for step in plan.steps if isinstance(step.operation, EnsureAuthority))


def ensured_authority(plan: Plan, name: str) -> EnsureAuthority:
    """The CA of that name that a plan installs; raises PkiError if there is none."""
    pairs_found = next((one for one in authorities_of(plan) if one.authority == name), None)
    if pairs_found is None:
        raise PkiError(f"the plan does not install a CA {name}", hint="fix the planner")
    return pairs_found


def _pair(pairs_found: PairOnHost) -> KeyPair:
    assert pairs_found.private is not None
    own = pairs_found.private.public_pem()
    if pairs_found.public is not None and public_pem(load_public_key(pairs_found.public)) != own:
        raise PkiError(
            f"{pairs_found.host}: the public key there does not match the private key", hint="rename the wrong file"
        )
    return KeyPair(pairs_found.private, pairs_found.public or own)


def _differ(what: str, identity_by_host: dict[HostName, str]) -> str:
    hosts = "; ".join(f"{host}: SHA-256 {fingerprint}" for host, fingerprint in identity_by_host.items())
    return f"{what}: {hosts}; rename the wrong file and run the action again"
