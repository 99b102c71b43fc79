"""Generated ssh_configs, and what ssh itself makes of them when it connects (``ssh -v``)."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOSTS = ("cp1.blue.example", "cp2", "gate", "db-7.other.example")
_PATTERNS = ("*", "cp?", "cp*", "*.blue.example", "!cp2 *", "gate cp1.*", "cp1.blue.example", "nothing")
_USERS = ("ops", "deploy", "root", "'a.b'", '"x_y"')
_TOKENS = ("%h", "%n", "%p", "%r", "%u", "%d", "%i", "%L", "%%", "")
_PORT = re.compile(r":\d+$")
_BAD = ("NoSuchOption yes", "Port ten", "IdentityFile ~nobody-here/k", "IdentityFile /k%Q", "Match banana x", "Host")


_JUMP = re.compile(
    r"exec \S*ssh(?: -l (?P<user>\S+))?(?: -p (?P<port>\d+))?(?: -J (?P<before>\S+))? -F \S+ -v"
    r" -W '(?P<to>\S+)' (?P<host>\S+)"
)


@dataclass(frozen=True, slots=True)
class Effect:
    """The doings of ssh for a host; empty where a proxy takes its place. `refusal`: it does not connect at all."""

    user: str = ""
    address: str = ""
    port: int = 0
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    alias: str = ""
    proxy: str = ""
    jump: str = ""
    to: str = ""
    refusal: str = ""


def effect_in_ssh(config: Path, host: str) -> Effect:
    """Start ssh and read what it prints of its doings; nobody is logged in."""
    program = shutil.which("ssh")
    assert program
    argv = (program, "-v", "-F", str(config), "-o", "BatchMode=yes", host, "true")
    environment = {**os.environ, "SHELL": str(_shell_without_proxies(config.parent))}
    result = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, timeout=20)
    reading = result.stderr.decode(errors="replace").replace("\r\n", "\n")

    def every(pattern: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(re.findall(rf"^debug1: {pattern}", reading, re.MULTILINE)))

    at = re.search(r"^debug1: Authenticating to (.*):(\d+) as '(.*)'", reading, re.MULTILINE)
    proxy = every(r"Executing proxy command: (.*)")
    if (at is None and not proxy) or re.search(r"^(vdollar_|percent_|tilde_)", reading, re.MULTILINE):
        return Effect(refusal=reading)
    jump = _JUMP.fullmatch(proxy[0]) if proxy else None
    return Effect(
        user=at[3] if at else "",
        address=at[1] if at else "",
        port=int(at[2]) if at else 0,
        identities=_own(every(r"identity file (.*) type -?\d+$")),
        certificates=every(r"certificate file (.*) type -?\d+$"),
        known_hosts=every(r"load_hostkeys: fopen (.*): No such file"),
        alias=next(iter(every(r"using hostkeyalias: (.*)")), ""),
        proxy=proxy[0] if proxy and not jump else "",
        jump=_hops(jump) if jump else "",
        to=jump["to"] if jump else "",
    )


def _shell_without_proxies(folder: Path) -> Path:
    """A shell for `Match exec` that starts no proxy: a jump host that needs itself would start ssh without end."""
    shell = folder / "shell"
    if not shell.exists():
        shell.write_text('#!/bin/sh\ncase $2 in exec*) exit 1 ;; esac\nexec /bin/sh "$@"\n')
        shell.chmod(0o755)
    return shell


def _hops(jump: re.Match[str]) -> str:
    """Each as ``user@host:port``, with nothing where ssh names nothing; the last one is the one that ssh starts."""
    last = f"{jump['user'] or ''}@{jump['host']}:{jump['port'] or ''}"
    before = [f"{'' if '@' in hop else '@'}{hop}{'' if _PORT.search(hop) else ':'}" for hop in _names(jump["before"])]
    return ",".join((*before, last))


def _names(hops: str | None) -> list[str]:
    return hops.split(",") if hops else []


def _own(identities: tuple[str, ...]) -> tuple[str, ...]:
    """Without the certificate that ssh looks for beside each key."""
    return tuple(name for name in identities if name.removesuffix("-cert") not in identities or "-cert" not in name)


@dataclass
class ConfigMaker:
    """Makes valid configurations, and now and then one that ssh refuses, out of a seed."""

    folder: Path
    ports: tuple[int, ...]
    chance: random.Random

    def config(self, number: int) -> Path:
        """A new file; it may include another one."""
        path = self.folder / f"config-{number}"
        blocks = [self._block(path) for _ in range(self.chance.randint(1, 6))]
        blocks.append(["Host *", *self._fallback()])
        lines = [self._dressed(line) for block in blocks for line in block]
        path.write_bytes(("\n".join(lines) + self.chance.choice(("", "\n"))).encode("latin-1"))
        return path

    def _fallback(self) -> Iterator[str]:
        """Nothing that the operator's own files or another port would decide."""
        yield from (f"Port {self.ports[0]}", "HostName 127.0.0.1", "User last")
        yield from ("UserKnownHostsFile /no/last", "GlobalKnownHostsFile /no/global", "IdentityFile /no/last-key")

    def _block(self, path: Path) -> list[str]:
        options = [self._option() for _ in range(self.chance.randint(1, 4))]
        if self.chance.random() < 0.03:
            options.append(self.chance.choice(_BAD))
        if self.chance.random() < 0.15:
            other = path.with_name(f"{path.name}-included{self.chance.randint(0, 99)}")
            other.write_text("\n".join((f"Host {self.chance.choice(_PATTERNS)}", *options, "")))
            other.chmod(0o600)
            options = [f"Include {other}"]
        return [self._condition(), *options]

    def _condition(self) -> str:
        pattern = self.chance.choice(_PATTERNS)
        listed = ",".join(pattern.split())
        return self.chance.choice(
            (
                f"Host {pattern}",
                f"Host {pattern}",
                f"Match host {listed}",
                f"Match originalhost {listed}",
                "Match all",
                "Match final all",
                f"Match final host {listed}",
                f"Match user {self.chance.choice(('ops', 'deploy', 'root', '*'))}",
                f'Match exec "test %n = {self.chance.choice(HOSTS)}"',
                f"Match !host {listed}",
                "IgnoreUnknown Foo*,UseKeychain\nMatch all\nFooBar yes\nUseKeychain yes",
            )
        )

    def _option(self) -> str:
        token, other = self.chance.choice(_TOKENS), self.chance.choice(_TOKENS)
        port = self.chance.choice(self.ports)
        return self.chance.choice(
            (
                f"User {self.chance.choice(_USERS)}",
                f"Port {port}",
                f"Port={port}",
                f'IdentityFile "/no/key {token}-{other}"',
                f"IdentityFile ~/no-key-{token}",
                "IdentityFile none",
                f"CertificateFile /no/certificate-{token}",
                f"UserKnownHostsFile /no/hosts-{token} ~/no/hosts",
                "UserKnownHostsFile none",
                f"GlobalKnownHostsFile /no/global-{port}",
                f"HostKeyAlias Alias-{port}",
                "HostName localhost",
                "HostName 127.0.0.1",
                f"ProxyCommand true {token} '%h' %p %r %n",
                "ProxyCommand none",
                "ProxyJump none",
                "ProxyJump gate",
                "ProxyJump j@gate.example:2022",
                "ProxyJump one,two@[fd00::1]:23,three:24",
                "ProxyJump ssh://five@six:77",
                "ServerAliveInterval 10",
                "StrictHostKeyChecking accept-new",
                "IdentitiesOnly yes",
            )
        )

    def _dressed(self, line: str) -> str:
        """The same line as people write it."""
        keyword, _, rest = line.partition(" ")
        return self.chance.choice(
            (
                line,
                line,
                f"\t {line}  ",
                f"{keyword.swapcase()} {rest}" if "\n" not in line and "=" not in keyword else line,
                f"{line} # ours",
                f"# M\xfcller\n{line}",
                f"\n{line}",
            )
        )
