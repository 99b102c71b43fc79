"""Random haproxy configurations, in the spellings that people and tools use."""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import ip_address

ENVIRONMENT = {"CP3": "10.5.0.3", "CP_A": "10.5.0.21", "PORT": "6443", "WORDS": "check backup", "MODE": "prod"}


@dataclass(frozen=True)
class GeneratedHaproxy:
    files: dict[str, str]
    """Texts by path; ``haproxy.cfg`` is read first, then the folder ``conf.d`` where there is one."""

    fronts: dict[str, set[str]]
    """The frontends that lead to each backend, as the generator meant it."""

    addresses: dict[tuple[str, str], tuple[str, int | None]]
    """Address and port of each server, by backend and server, as the generator meant them."""


class HaproxyGenerator:
    """Draws configurations from a seed; haproxy accepts nearly all of them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._named = self._chance(0.4)
        self._port = 8000
        self._fronts: dict[str, set[str]] = {}
        self._addresses: dict[tuple[str, str], tuple[str, int | None]] = {}

    def config(self) -> GeneratedHaproxy:
        lines = ["global", *self._global(), *self._defaults("")]
        if self._named:
            lines += [*self._defaults("named"), *self._defaults("")]
        parts = [self._pair(number) if self._chance(0.6) else self._listen(number) for number in range(3)]
        files = {"haproxy.cfg": "\n".join([*lines, *parts[0], *(parts[1] if self._chance(0.5) else [])]) + "\n"}
        if self._chance(0.6):
            tail = parts[1] if parts[1][0] not in files["haproxy.cfg"] else []
            files["conf.d/10-a.cfg"] = "\n".join([*tail, *parts[2]]) + "\n"
            files["conf.d/ignored.conf"] = "listen ignored\n bind :1\n"
        else:
            tail = parts[1] if parts[1][0] not in files["haproxy.cfg"] else []
            files["haproxy.cfg"] += "\n".join([*tail, *parts[2]]) + "\n"
        text = "\n".join(files.values())
        return GeneratedHaproxy(
            files,
            {name: fronts for name, fronts in self._fronts.items() if f" {name}" in text},
            self._addresses,
        )

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one_of(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _comment(self) -> str:
        return self._one_of("", "", "", " # x", "#x", " # it's \"quoted")

    def _global(self) -> list[str]:
        return ["  maxconn 100" + self._comment(), "  setenv LOCAL 10.5.0.31", "  presetenv MODE other"]

    def _defaults(self, name: str) -> list[str]:
        return [
            f"defaults {name}",
            "  mode tcp",
            "  timeout connect 1s",
            "  timeout client 5s",
            "  timeout server 5s",
            "  " + self._one_of("balance leastconn", "balance source", "# balance first", "balance static-rr"),
            "  "
            + self._one_of("default-server check", "default-server weight 7", "default-server inter 2s backup", ""),
        ]

    def _pair(self, number: int) -> list[str]:
        front, back = f"f{number}", f"b{number}"
        origin = self._one_of("", " from named") if self._named else ""
        lead = self._random.choice(
            (
                [f"  default_backend {back}"],
                [f"  use_backend {back}"],
                [f"  use_backend {back} if TRUE", "  use_backend %[src] if FALSE"],
                [f'  use_backend "{back}" unless FALSE' + self._comment()],
            )
        )
        self._fronts[back] = {front}
        return [
            f"frontend {front}{origin}",
            *self._binds(),
            *lead,
            f"backend {back}{origin}",
            *self._balance(),
            *self._servers(back),
        ]

    def _listen(self, number: int) -> list[str]:
        name = f"l{number}"
        self._fronts[name] = {name}
        return [f"listen {name}" + self._comment(), *self._binds(), *self._balance(), *self._servers(name)]

    def _balance(self) -> list[str]:
        return self._random.choice(([], ["  balance roundrobin"], ["  balance first # x"], ["  balance random(2)"]))

    def _binds(self) -> list[str]:
        self._port += 10
        port = self._port
        return self._random.choice(
            (
                [f"  bind :{port}"],
                [f"  bind *:{port}" + self._comment()],
                [f"  bind 10.5.0.100:{port} name x"],
                [f"  bind ipv4@10.5.0.100:{port},ipv6@[2001:db8::100]:{port + 1}"],
                [f"  bind 10.5.0.100:{port}-{port + 3}"],
                [f"  bind [2001:DB8::100]:{port}", f"  bind 2001:db8::101:{port}"],
                [f"  bind :::{port} v6only"],
                [f"  bind 10.5.0.100:{port}", f"  bind unix@/tmp/haconsole-{port}.sock"],
                ['.if streq("$MODE",prod)', f"  bind :{port}", ".else", f"  bind :{port + 5}", ".endif"],
                [
                    ".if defined(NOT_SET)",
                    f"  bind :{port}",
                    ".elif defined(MODE) && !streq(a,b)",
                    f"  bind :{port + 5}",
                    ".endif",
                ],
                [
                    ".if version_atleast(2.4)",
                    f"  bind :{port}",
                    ".endif",
                    ".if version_atleast(99)",
                    "  bind :1",
                    ".endif",
                ],
                [".if 0", ".if 1", "  bind :1", ".endif", ".else", f"  bind :{port}", ".endif"],
            )
        )

    def _servers(self, backend: str) -> list[str]:
        lines = []
        if self._chance(0.3):
            lines.append("  default-server " + self._one_of("check", "weight 30", "disabled", "no-check backup"))
        lines += [self._server(backend, f"s{number}") for number in range(self._random.randint(1, 3))]
        if self._chance(0.3):
            lines.append(
                "  server-template t " + self._one_of("3", "2-4") + " api.example.org:6443 check init-addr none"
            )
        return lines

    def _server(self, backend: str, name: str) -> str:
        ip = f"10.5.0.{self._random.randint(2, 99)}"
        ipv6 = str(ip_address(f"2001:db8::{ip[-1]}"))
        address, target = self._random.choice(
            (
                (f"{ip}:6443", (ip, 6443)),
                (f"ipv4@{ip}:6443", (ip, 6443)),
                (f"[2001:DB8::{ip[-1]}]:6443", (ipv6, 6443)),
                (f"2001:db8:0::{ip[-1]}:6443", (ipv6, 6443)),
                (ip, (ip, None)),
                (f"{ip}:+1", (ip, None)),
                ('"${CP_A}:${PORT}"', ("10.5.0.21", 6443)),
                ("${CP_A}:6443", ("10.5.0.21", 6443)),
                ('"$LOCAL":6443', ("10.5.0.31", 6443)),
                ('"${UNSET-10.5.0.41}:6443"', ("10.5.0.41", 6443)),
                (f"'{ip}:6443'", (ip, 6443)),
                (f"{ip}\\x3a6443", (ip, 6443)),
                ("cp.example.org:6443 init-addr none", ("cp.example.org", 6443)),
            )
        )
        self._addresses[backend, name] = target
        parameters = self._one_of(
            "",
            " check",
            " check port 6444 inter 1s",
            " weight 50 check",
            " backup",
            " disabled check",
            ' "${WORDS[*]}"',
            " check check-sni check verify none",
            " cookie backup check",
            " no-check weight 0",
        )
        if target[1] is None:
            # haproxy refuses a check without any port
            parameters = self._one_of(" no-check", " check port 6444", " no-check weight 3 # x")
        return f"  server {name} {address}{parameters}{self._comment()}"
