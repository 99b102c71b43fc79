"""A step explained to a first-time operator: its effect, its verification, and a glossary."""

from __future__ import annotations

import re

from haconsole.actions import operations as op
from haconsole.actions.describe import check_line, short_line, step_line, undo_line
from haconsole.actions.step import Step
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Fact, Heading, Item, Sentence

DOES: dict[type, str] = {
    op.RunCommand: "A command runs as root on {host}. It runs to its end there even if the connection breaks.",
    op.WriteFile: "A file is written on {host}. The previous file is kept as a backup with a time stamp.",
    op.EnsureAuthority: "A certificate authority (CA) is installed: the one key whose signatures all components trust.",
    op.TrustAuthority: "{host} gets the CA's certificate, to verify other components with it.",
    op.EnsureKeyPair: "One key pair is installed on every control plane, so that all accept each other's tokens.",
    op.IssueCertificate: "{host} generates a key that never leaves it, and gets a signed certificate for it.",
    op.AddMember: "A member is added to etcd's member list. It copies the data first and has no vote yet.",
    op.PromoteMember: "The new member gets a vote as soon as it has all of the leader's data.",
    op.RemoveMember: "A member is removed from etcd's member list: from then on its vote does not count.",
    op.UpdateMember: "The member list gets the URL at which the other members reach this member.",
    op.MoveLeader: "etcd's leader hands over to another member, so that no election is needed.",
    op.DrainNode: "The node gets no new pods, and its pods are evicted; their controllers start them on other nodes.",
    op.DeleteNode: "The node is deleted from the API. Objects that belonged to it are cleaned up by Kubernetes.",
    op.RemoveMemberAt: "The etcd member of an interrupted join is removed: from then on its vote does not count.",
    op.ForgetControlPlane: "The removed host leaves kubeadm's list of control planes, so kubeadm never contacts it.",
    op.JoinNode: "kubeadm makes {host} part of the cluster. Join credentials are created for the join and deleted "
    "afterwards.",
    op.SetServerState: "One haproxy server is set to ready, or to drain so that it gets no new connections.",
    op.CopyFromHost: "A file is copied from another host, part by part. The target gets the complete file or none.",
    op.SaveSnapshot: (
        "The etcd member on {host} sends its database over SSH to this machine, which verifies the copy and "
        "stores it on the member's host."
    ),
    op.Nothing: "Nothing is changed. The hosts are only checked for the conditions to continue.",
}
"""The explanation of a kind of operation; other kinds are described by their own line."""

WORDS = {
    r"etcd": ("etcd", "the database of the entire cluster state, replicated on several hosts."),
    r"quorum|voters?": ("quorum", "the majority of etcd's voters. If fewer voters answer, nothing can be written."),
    r"learners?": ("learner", "an etcd member that copies the data and does not vote yet."),
    r"leader(ship)?": ("leader", "the member that processes all writes; the others elect it and can replace it."),
    r"authority|CA|CAs": (
        "CA",
        ("a certificate authority: it signs certificates, and clients that trust it accept them."),
    ),
    r"certificates?": ("certificate", "proves who owns a key. It is signed by a CA and valid until a date."),
    r"kubeconfig": ("kubeconfig", "a file with the API server's address and the client's credentials for it."),
    r"API servers?|apiserver": ("API server", "the central API of Kubernetes; only it reads and writes etcd."),
    r"scheduler": ("scheduler", "selects the node for each pod; of several schedulers, one is active at a time."),
    r"controller[- ]manager": (
        "controller-manager",
        ("brings the actual state to the desired state; of several, one is active at a time."),
    ),
    r"haproxy|balancers?": ("haproxy", "forwards connections to the API servers that pass their checks."),
    r"keepalived|VRRP": ("keepalived", "decides by VRRP which host holds the virtual address."),
    r"virtual address|VIP": ("VIP", "an address that is on one host at a time and moves when that host fails."),
    r"locks?|leases?": ("lease", "a lock with an expiry: its holder is active and must renew it to stay active."),
    r"units?|systemd": ("unit", "systemd's description of a service: its command, its start and its restart."),
    r"service[- ]account": ("service account", "the identity that a program in the cluster uses at the API server."),
    r"drain(ed)?": ("drain", "to send a server no new connections, so that it can be stopped without losing requests."),
}
"""Technical terms as patterns, each with its name and its meaning."""


def in_plain_words(step: Step) -> tuple[Item, ...]:
    """The purpose and effect of the step, without a command."""
    does = DOES.get(type(step.operation))
    happens = does.format(host=step.host) if does else step_line(step)
    return (
        Heading("Explanation"),
        Sentence(Cell(step.why)),
        Sentence(Cell(happens)),
        *_listed("Success criteria", tuple(check_line(check) for check in step.verification)),
        *_if_it_fails(step),
        *_words(step),
    )


def _listed(heading: str, lines: tuple[str, ...]) -> tuple[Item, ...]:
    return (Heading(heading), *(Sentence(Cell(line), "·") for line in lines)) if lines else ()


def way_back(step: Step) -> str:
    """The undo of a step, or why it cannot be undone; empty if the plan has none."""
    match step.undo:
        case op.Irreversible() | op.LeftByUndo():
            return undo_line(step.undo) or ""
        case op.RunCommand(argv=argv) | op.UndoByCommand(operation=op.RunCommand(argv=argv)):
            return short_line(argv)
        case _:
            return undo_line(step.undo) or ""


def _if_it_fails(step: Step) -> tuple[Item, ...]:
    """The consequences of a failure."""
    if step.undo is None:
        text = "Steps that depend on this step do not start. There is nothing to undo."
        return (Heading("If it fails"), Sentence(Cell(text)))
    last = isinstance(step.undo, op.Irreversible)
    text = way_back(step)
    stays = isinstance(step.undo, op.LeftByUndo)
    undo = Sentence(Cell(text, Tone.WARNING)) if last else Sentence(Cell(text if stays else f"To undo it: {text}"))
    return (
        Heading("If it fails"),
        Sentence(Cell("Steps that depend on this step do not start, and the run reports the reason.")),
        undo,
    )


def _words(step: Step) -> tuple[Item, ...]:
    """The technical terms in the step, explained."""
    text = f"{step.title} {step.why}"
    entries = (item for pattern, item in WORDS.items() if re.search(rf"\b({pattern})\b", text))
    facts = tuple(Fact(word, Cell(meaning)) for word, meaning in entries)
    return (Heading("Glossary"), *facts) if facts else ()
