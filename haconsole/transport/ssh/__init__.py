"""SSH to the hosts of an inventory; the only importer of asyncssh."""

from haconsole.transport.ssh.loading import quick

with quick():
    import asyncssh as _asyncssh  # noqa: F401

from haconsole.transport.ssh.fleet import SshFleet
from haconsole.transport.ssh.tuning import Tuning

__all__ = ["SshFleet", "Tuning"]
