"""The last line of kubeadm's errors names the problem, as each release prints them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.scripts import load_script

PROBLEM = "\t[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: /proc/sys/net/ipv4/ip_forward contents are not set to 1"
HINT = "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`"
TRACE = "To see the stack trace of this error execute with --v=5 or higher"
OLD_API = (
    'error: your configuration file uses an old API spec: "kubeadm.k8s.io/v1beta2" (kind: "JoinConfiguration"). Please '
    "use kubeadm v1.22 instead and run 'kubeadm config migrate --old-config old-config-file --new-config "
    "new-config-file', which will write the new, similar spec using a newer API version."
)
PREFLIGHT_OF_1_20 = (
    f"error execution phase preflight: [preflight] Some fatal errors occurred:\n{PROBLEM}\n{HINT}\n{TRACE}"
)
PREFLIGHT_OF_1_36 = f"""\t[WARNING Hostname]: hostname "cp1" could not be reached
[preflight] Some fatal errors occurred:
\t[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists
{PROBLEM}
{HINT}
error: error execution phase preflight: preflight checks failed
{TRACE}"""


def join_errors(folder: Path, errors: str) -> list[str]:
    """The lines of standard error of the join, whose kubeadm prints `errors` and fails."""
    (folder / "errors").write_text(f"{errors}\n")
    for name, body in (("kubeadm", f"cat >/dev/null; cat {folder}/errors >&2; exit 1"), ("systemctl", "")):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    argv = ("sh", "-ec", load_script("kubeadm-join"), "join", "")
    result = subprocess.run(argv, env=environment, input="", capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode != 0
    return result.stderr.splitlines()


@pytest.mark.parametrize(
    ("errors", "last"),
    [(PREFLIGHT_OF_1_20, PROBLEM), (PREFLIGHT_OF_1_36, PROBLEM), (f"{OLD_API}\n{TRACE}", OLD_API)],
)
def test_the_last_line_names_the_problem(tmp_path: Path, errors: str, last: str) -> None:
    assert join_errors(tmp_path, errors)[-1] == last
