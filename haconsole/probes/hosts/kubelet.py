"""kubelet, its static pods and the container runtime, from one root script on the host.

The state of static pods is read from control groups and /var/log/pods, so it is known without the API, without kubelet
and without a tool of the container runtime. A static pod's UID is a hash, the only kind without dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from haconsole.model.kubelet import ContainerdConfig, JournalError, KubeletFacts, StaticPodState
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.hosts import listeners
from haconsole.probes.script import Section, SectionAnswer
from haconsole.scripts import load_script

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEFAULT_FOLDER = "/etc/kubernetes/manifests"
_COMM_LENGTH = 15
_START_TIME = 19
"""Index of starttime in /proc/PID/stat after the command's name (proc_pid_stat(5))."""
_SHELLS = ("sh", "bash", "ash", "dash")
_POD_GROUP = re.compile(r"pod(?P<uid>[0-9a-f]{32})(?:\.slice)?/(?P<container>[^/\s]+)")
_LOG_LINE = re.compile(r"\S+ (?:stdout|stderr) [FP] ?(?P<text>.*)")
SHORT_INTERVAL_S = 400.0
"""Two starts within this time are a crash loop's: kubelet waits 5 minutes at most between them."""
_KLOG = re.compile(r"[EFWI]\d{4} \S+\s+\d+ (?P<text>.*)")
_JOURNAL = re.compile(r"(?P<at>\d+\.\d+) \S+ [^:]*: (?P<text>.*)")
_JSON = re.compile(r'"(level|msg|error)":"((?:[^"\\]|\\.)*)"')
"""Fields of a line of etcd's, which may be cut off."""
_VARYING = re.compile(r"\b[0-9a-f]{8,}\b|0x[0-9a-f]+|\d+(?:\.\d+)?(?:ms|s|m)?\b")
_ERRORS_KEPT = 6
_LINES_KEPT = 4


def section(*, every: int = 1) -> Section:
    return Section("kubelet", load_script("kubelet-facts"), every)


def parse(answer: SectionAnswer) -> KubeletFacts:
    """Raises ProbeError where the script wrote nothing usable."""
    parts = tuple(_parts(require(answer, "kubelet's settings")))
    if not parts:
        raise ProbeError("kubelet's settings: the host returned no output", Cause.UNREADABLE)
    first = {part.kind: part for part in reversed(parts)}
    flags = tuple(part.rest for part in parts if part.kind == "flag")
    return KubeletFacts(
        static_pod_folder=_rest(first, "folder") or _DEFAULT_FOLDER,
        config_file=_rest(first, "config"),
        flags=flags,
        cgroup_driver=_flag(flags, "cgroup-driver") or _rest(first, "driver"),
        runtime_endpoint=_flag(flags, "container-runtime-endpoint") or _rest(first, "endpoint"),
        static_pods=_static_pods(parts, _rest(first, "boot")),
        containerd=_containerd(first["containerd"].text) if "containerd" in first else None,
        errors=_errors(first["journal"].text) if "journal" in first else (),
        fail_swap_on=(_flag(flags, "fail-swap-on") or _rest(first, "swap-refusal")) != "false",
        rotates_certificates=_truth(_flag(flags, "rotate-certificates") or _rest(first, "renewal")),
        swaps=tuple(part.rest for part in parts if part.kind == "swap"),
        kubeadm_files=tuple(part.rest for part in parts if part.kind == "kubeadm-file"),
        listeners=listeners.parse(part.rest for part in parts if part.kind == "listener"),
    )


def _truth(word: str) -> bool | None:
    return {"true": True, "false": False}.get(word)


class _KubeletPart(msgspec.Struct, frozen=True):
    kind: str
    rest: str
    text: str


class _Clock(msgspec.Struct, frozen=True):
    """Seconds since 1970: the kernel's start, from which processes' starts count in ticks, and the start of PID 1."""

    kernel_started: float = 0.0
    hertz: float = 100.0
    host_started: float = 0.0

    @classmethod
    def of(cls, text: str) -> _Clock:
        words = text.split()
        numbers = [float(word) for word in words if word.isdecimal()]
        return cls(*numbers) if len(numbers) == len(words) == 3 else cls()


class _KubeletProcess(msgspec.Struct, frozen=True):
    uid: str
    container: str
    comm: str
    started: float


class _Log(msgspec.Struct, frozen=True):
    pod: str
    uid: str
    container: str
    attempt: int
    written_at: float
    began: float | None
    text: str
    exit_status: int | None


def _parts(output: str) -> Iterator[_KubeletPart]:
    head, lines = "", list[str]()
    for line in (*output.splitlines(), "@"):
        if line.startswith("@"):
            if head:
                kind, _, rest = head.partition(" ")
                yield _KubeletPart(kind, rest.strip(), "\n".join(lines))
            head, lines = line[1:], []
        elif line.startswith("| "):
            lines.append(line[2:])


def _rest(parts: Mapping[str, _KubeletPart], kind: str) -> str:
    return parts[kind].rest if kind in parts else ""


def _flag(flags: tuple[str, ...], name: str) -> str:
    values = (flag.partition("=")[2] for flag in flags if flag.lstrip("-").partition("=")[0] == name)
    return next(values, "")


def _static_pods(parts: tuple[_KubeletPart, ...], boot: str) -> tuple[StaticPodState, ...]:
    clock = _Clock.of(boot)
    processes = tuple(filter(None, (_process(part.rest, clock) for part in parts if part.kind == "process")))
    exits = dict(filter(None, (_exit(part.rest) for part in parts if part.kind == "exit")))
    logs = tuple(filter(None, (_log(part, exits) for part in parts if part.kind == "log")))
    placed = dict(_placed(part.rest) for part in parts if part.kind == "placed")
    pods = (
        replace(_manifest(part.rest, part.text), placed_at=placed.get(part.rest))
        for part in parts
        if part.kind == "manifest"
    )
    return tuple(_with_state(pod, processes, logs, clock.host_started) for pod in pods)


def _manifest(file: str, text: str) -> StaticPodState:
    """The pod in a manifest, JSON or YAML; kubelet decodes the same."""
    try:
        document = yaml.load(text, Loader=_LOADER)  # noqa: S506 (one of the two safe loaders)
    except (yaml.YAMLError, ValueError) as error:
        return StaticPodState(file, problem=f"it is not valid YAML: {_yaml_problem(error)[:160]}")
    metadata, spec = _mapping(document, "metadata"), _mapping(document, "spec")
    if not isinstance(document, dict) or document.get("kind") != "Pod" or not metadata.get("name"):
        return StaticPodState(file, problem="it contains no object of kind Pod with a name")
    listed = spec.get("containers")
    containers = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    first = containers[0] if containers else {}
    words = (*_words(first.get("command")), *_words(first.get("args")))
    return StaticPodState(
        file,
        namespace=str(metadata.get("namespace") or "default"),
        name=str(metadata["name"]),
        containers=tuple(str(one.get("name", "")) for one in containers),
        command=words,
        problem="" if containers else "it has no containers",
    )


def _yaml_problem(error: Exception) -> str:
    """The problem, and the number of the line where the parser noticed it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem}, line {error.problem_mark.line + 1}"
    return " ".join(str(error).split())


def _mapping(document: Any, key: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _process(text: str, clock: _Clock) -> _KubeletProcess | None:
    """``CGROUP STAT``; the name in stat is in brackets and may hold blanks."""
    group, _, stat = text.partition(" ")
    match = _POD_GROUP.search(group)
    head, bracket, tail = stat.rpartition(")")
    fields = tail.split()
    if match is None or not bracket or len(fields) <= _START_TIME or "conmon" in match["container"]:
        return None
    comm = head.partition("(")[2]
    if not fields[_START_TIME].isdecimal():
        return None
    started = clock.kernel_started + int(fields[_START_TIME]) / clock.hertz
    return _KubeletProcess(match["uid"], match["container"], comm, started)


_Attempt = tuple[str, str, int]
"""Folder of the pod's logs, container, number."""


def _exit(text: str) -> tuple[_Attempt, int] | None:
    words = text.split(" ")
    if len(words) != 4 or not words[2].isdecimal() or not words[3].isdecimal():
        return None
    return (words[0], words[1], int(words[2])), int(words[3])


def _placed(text: str) -> tuple[str, datetime | None]:
    """The name of a file and the time of its last change, of ``SECONDS PATH``."""
    seconds, _, path = text.partition(" ")
    return path.rpartition("/")[2], _moment(float(seconds)) if seconds.isdecimal() else None


def _log(part: _KubeletPart, exits: Mapping[_Attempt, int]) -> _Log | None:
    words = part.rest.split(" ")
    if len(words) < 4 or not words[2].isdecimal() or not words[3].isdecimal():
        return None
    pod, _, uid = words[0].rpartition("_")
    began = _time(words[4]) if len(words) > 4 else None
    status = exits.get((words[0], words[1], int(words[2])))
    return _Log(pod, uid, words[1], int(words[2]), float(words[3]), began, part.text, status)


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _with_state(
    pod: StaticPodState, processes: tuple[_KubeletProcess, ...], logs: tuple[_Log, ...], host_started: float
) -> StaticPodState:
    """The pod with what runs of it; of several pods of its name the one with processes counts, else the newest."""
    own = [log for log in logs if log.pod.startswith(f"{pod.namespace}_{pod.name}-")] if pod.name else []
    if not own:
        return pod
    alive = {process.uid for process in processes}
    newest = max(own, key=lambda log: (log.uid in alive, log.written_at))
    attempts = sorted(
        (log for log in own if (log.uid, log.container) == (newest.uid, newest.container)), key=lambda log: log.attempt
    )
    return _run(pod, [process for process in processes if process.uid == newest.uid], attempts, host_started)


def _run(
    pod: StaticPodState, processes: list[_KubeletProcess], attempts: list[_Log], host_started: float
) -> StaticPodState:
    last, before = attempts[-1], attempts[-2] if len(attempts) > 1 else None
    working = _working(pod, processes)
    interval = last.began - before.began if before and before.began and last.began else None
    ended = before if working else last
    since_boot = ended is not None and ended.written_at > host_started
    restarting = not working or (interval is not None and interval < SHORT_INTERVAL_S)
    return replace(
        pod,
        running=bool(working),
        started_at=_moment(min(process.started for process in working)) if working else None,
        attempt=last.attempt,
        ended_at=_moment(ended.written_at) if ended and since_boot else None,
        restart_interval_s=interval,
        ran_s=_duration(ended) if ended and since_boot else None,
        exit_status=ended.exit_status if ended and since_boot else None,
        log=_log_lines(ended.text) if ended and since_boot and restarting else (),
    )


def _duration(log: _Log) -> float | None:
    """The last output's time has no fraction of a second."""
    return None if log.began is None else max(0.0, round(log.written_at - log.began, 1))


def _working(pod: StaticPodState, processes: list[_KubeletProcess]) -> list[_KubeletProcess]:
    """The pod's processes without those of its sandbox, which is named pause or was there first."""
    program = pod.command[0].rpartition("/")[2] if pod.command else ""
    named = [process for process in processes if program not in _SHELLS and process.comm == program[:_COMM_LENGTH]]
    if named or (program and program not in _SHELLS and not program.startswith("-")):
        return named
    sandboxes = {process.container for process in processes if process.comm == "pause"}
    if not sandboxes and len({process.container for process in processes}) > len(pod.containers):
        sandboxes = {min(processes, key=lambda process: process.started).container}
    return [process for process in processes if process.container not in sandboxes]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _log_lines(text: str) -> tuple[str, ...]:
    """Lines of a container's log without the headers of the container runtime and of klog."""
    lines = (match["text"] if (match := _LOG_LINE.match(line)) else line for line in text.splitlines())
    return tuple(dict.fromkeys(filter(None, map(_without_header, lines))))[-_LINES_KEPT:]


def _without_header(line: str) -> str:
    if line.startswith('{"level":'):
        fields = dict(_JSON.findall(line))
        words = (f"{fields.get('level')}: {fields.get('msg', '')}", fields.get("error", ""))
        return ": ".join(filter(None, words)).replace('\\"', '"')[:400]
    match = _KLOG.match(line.strip())
    return (match["text"] if match else line.strip())[:400]


def _errors(text: str) -> tuple[JournalError, ...]:
    """Different lines, each at its newest time; lines that differ in numbers and identifiers only are the same."""
    newest: dict[str, JournalError] = {}
    for line in text.splitlines():
        match = _JOURNAL.match(line)
        if match is None:
            continue
        message = _without_header(match["text"])
        key = _VARYING.sub("#", message)[:120]
        newest.pop(key, None)
        newest[key] = JournalError(message, _moment(float(match["at"])))
    return tuple(newest.values())[-_ERRORS_KEPT:]


def _containerd(text: str) -> ContainerdConfig:
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values.setdefault(key.strip(), value.strip())
    plugins = tuple(re.findall(r"""["']([^"']+)["']""", values.get("disabled_plugins", "")))
    includes = values.get("imports", "[]").replace(" ", "") != "[]"
    cgroup = values.get("SystemdCgroup")
    image = values.get("sandbox_image") or values.get("sandbox", "")
    return ContainerdConfig(plugins, None if cgroup is None or includes else cgroup == "true", image.strip("\"'"))
