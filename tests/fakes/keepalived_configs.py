"""Random configurations of keepalived, in the spellings that people and tools use, each with what it means."""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field

CONFIG_ID = "lb-1"
OTHER_ID = "lb-2"


@dataclass
class GeneratedInstance:
    """The generator's settings, as keepalived should have them."""

    name: str
    interface: str
    router_id: int
    priority: int
    vips: list[str] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)


@dataclass
class GeneratedConfig:
    files: dict[str, str]
    """Texts by path relative to the configuration's folder; ``keepalived.conf`` is the configuration itself."""

    instances: list[GeneratedInstance]


class ConfigGenerator:
    """Draws configurations from a seed."""

    def __init__(self, seed: int, *, faulty: bool = False) -> None:
        self._random = random.Random(seed)
        self._faulty = faulty
        self._files: dict[str, str] = {}
        self._definitions: list[str] = []
        self._names = 0

    def config(self) -> GeneratedConfig:
        """A configuration; a `faulty` generator also puts in what keepalived ignores or reads otherwise."""
        self._files, self._definitions, self._names = {}, [], 0
        lines = self._scripts()
        results = [self._instance(number) for number in range(self._random.randint(1, 5))]
        for _, text in results:
            lines += text
        if len(results) > 1 and self._chance(0.3):
            lines += self._group([one.name for one, _ in results])
        self._files["keepalived.conf"] = "\n".join((*self._definitions, *lines)) + self._one_of("\n", "", "\n\n")
        return GeneratedConfig(dict(self._files), [one for one, _ in results])

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one_of(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _new(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    def _scripts(self) -> list[str]:
        lines = ["global_defs {", "  router_id x # of the balancer", self._one_of("", "  vrrp_version 3"), "}"]
        for name in ("chk_a", "chk_b"):
            weight = self._one_of("", "  weight -20", "  weight 2 # up", "  weight 0!none")
            lines += [f"vrrp_script {name} {{", '  script "/bin/true"', weight, "}"]
        return lines

    def _group(self, names: list[str]) -> list[str]:
        weighted = self._one_of("", "  sync_group_tracking_weight")
        track = self._one_of("", "  track_script {\n chk_a weight 5\n}", "  track_script { chk_b }")
        return [f"vrrp_sync_group {self._new('G')} {{", f"  group {{ {' '.join(names[:2])} }}", weighted, track, "}"]

    def _instance(self, number: int) -> tuple[GeneratedInstance, list[str]]:
        pick = self._random
        result = GeneratedInstance(
            self._one_of(f"V{number}", f"API_{number}"),
            self._one_of("eth0", "eth1"),
            10 + number,
            pick.randint(1, 254),
        )
        wide = self._chance(0.25)
        body = [
            *self._value("interface", result.interface),
            *self._value("virtual_router_id", str(result.router_id)),
            *self._value("priority", str(result.priority)),
            *self._state(),
            *self._list("virtual_ipaddress", self._vips(result, number, wide=wide)),
        ]
        if self._chance(0.5):
            count = pick.randint(1, 3)
            result.peers = [f"2001:db8::{9 + one:x}" if wide else f"10.5.0.{9 + one}" for one in range(count)]
            body += self._list("unicast_peer", [self._spelled(peer) for peer in result.peers])
        body += self._further()
        if self._faulty:
            body = self._spoiled(body)
        head = self._one_of(f"vrrp_instance {result.name} {{", f"vrrp_instance {result.name}\n{{")
        return result, [head, *("  " + line for line in body), "}" + self._comment()]

    def _vips(self, generated_instance: GeneratedInstance, number: int, *, wide: bool) -> list[str]:
        lines = []
        for one in range(self._random.randint(1, 4)):
            address = f"2001:db8::a{number}:{one + 1:x}" if wide else f"10.5.{number}.{100 + one}"
            prefix = self._one_of("", "/64" if wide else "/24")
            generated_instance.vips.append(address + prefix)
            lines.append(self._spelled(address) + prefix + self._one_of("", "", " dev eth1", " label x" * (not wide)))
        return lines

    def _spelled(self, address: str) -> str:
        if ":" not in address:
            return address
        return self._one_of(address, address.upper(), ipaddress.ip_address(address).exploded)

    def _state(self) -> list[str]:
        return self._random.choice(([], [], ["state BACKUP"], ["state MASTER"]))

    def _further(self) -> list[str]:
        lines: list[str] = []
        if self._chance(0.4):
            lines += self._value("advert_int", self._one_of("1", "2", "3.5", "0.25", "10"))
        if self._chance(0.3):
            lines.append("nopreempt" + self._comment())
        if self._chance(0.3):
            lines += [
                "authentication {",
                "auth_type PASS",
                f"auth_pass {self._one_of('1111', 'k8s#', '123456789')}",
                "}",
            ]
        if self._chance(0.5):
            lines += self._list("track_script", [self._one_of("chk_a", "chk_a weight 4"), self._one_of("chk_b", "")])
        if self._chance(0.3):
            lines += self._list("track_interface", [self._one_of("eth1", "eth1 weight 7")])
        return lines

    def _comment(self) -> str:
        return self._one_of("", "", "", " # x", "#x", "!x", "  ! it's {here}", ' # "quote')

    def _value(self, keyword: str, value: str) -> list[str]:
        """The value by one of the ways that a configuration can give it."""
        plain = f"{keyword} {value}"
        match self._random.randrange(9):
            case 0:
                name = self._new("VAR")
                self._definitions.append(f"${name}={value}")
                return [f"{keyword} " + self._one_of(f"${name}", f"${{{name}}}") + self._one_of("", " # x")]
            case 1:
                return [f"@{CONFIG_ID} {plain}", f"@{OTHER_ID} {keyword} 1"]
            case 2:
                return [f"@^{OTHER_ID}\t{plain}", f"@^{CONFIG_ID} {keyword} 1"]
            case 3:
                file = f"part-{self._new('f')}.conf"
                self._files[file] = f"# included\n{plain}{self._comment()}\n"
                return [self._one_of("include ", "includer ", "includea  ") + file + self._one_of("", " # x")]
            case 4:
                return [f'{keyword} "{value}"']
            case 5:
                name = self._new("MULTI")
                self._definitions.append(f"${name}=\\\n  {plain} \\\n  # x\\\n  unknown_word 1")
                return [self._one_of(f"${name}", f"${{{name}}}")]
            case 6:
                return [f"{keyword} 1", plain + self._comment()] if keyword != "interface" else [plain]
            case 7:
                return [f"   {keyword}\t  {value}" + self._comment()]
            case _:
                return [plain + self._comment()]

    def _list(self, keyword: str, values: list[str]) -> list[str]:
        values = [value for value in values if value]
        match self._random.randrange(6):
            case 0:
                return [f"{keyword} {{ {values[0]}", *values[1:], "}"]
            case 1:
                return [keyword, "{", *(value + self._comment() for value in values), "}"]
            case 2:
                folder = self._new("list")
                for index, value in enumerate(values):
                    self._files[f"{folder}/{index}.conf"] = value + "\n"
                return [f"{keyword} {{", f"include {folder}/*.conf", "}"]
            case 3:
                lines = [f"@{CONFIG_ID} {value}" for value in values]
                return [
                    f"@{CONFIG_ID} {keyword} {{",
                    *lines,
                    f"@{CONFIG_ID} }}",
                    f"@{OTHER_ID} {keyword} {{ 1.2.3.4 }}",
                ]
            case _:
                return [f"{keyword} {{" + self._comment(), *values, "}"]

    def _spoiled(self, lines: list[str]) -> list[str]:
        """One line that keepalived ignores, or reads otherwise than a person would."""
        odd = self._random.choice(
            (
                ["priority 300"],
                ["priority 12x"],
                ["priority +7"],
                ["virtual_router_id 0"],
                ["advert_int 0"],
                ["unknown_word a b"],
                ["unknown_block {", "priority 3", "}"],
                ["state UNKNOWN"],
                ["virtual_ipaddress {", "10.5.9.300", "10.5.9.1/33", "2001:db8::9:1", "10.5.9.7", "}"],
                ["unicast_peer {", "10.5.0.x", "10.5.0.77", "}"],
                ["preempt"],
                ["track_script {", "chk_missing", "chk_a", "chk_a weight 9", "}"],
                ["track_script {", "chk_a wait 3", "}"],
                ["{"],
                ['priority "44"x'],
                ["priority 1#00"],
                ["priority 1\\#00"],
                ["authentication {", "auth_type NONE", "}"],
            )
        )
        at = self._random.randint(0, len(lines))
        while at < len(lines) and self._depth(lines[:at]):
            at += 1
        return [*lines[:at], *odd, *lines[at:]]

    @staticmethod
    def _depth(lines: list[str]) -> int:
        text = "\n".join(lines)
        return text.count("{") - text.count("}")
