"""A step explained to somebody who does this for the first time: what happens, how it is checked, what words mean."""

from __future__ import annotations

import re

from haconsole.actions import operations as op
from haconsole.actions.describe import check_line, short_line, step_line, undo_line
from haconsole.actions.step import Step
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Fact, Heading, Item, Sentence

DOES: dict[type, str] = {
    op.RunCommand: "A command runs as root on {host}. It goes on there to its end even if the connection breaks.",
    op.WriteFile: "A file is written on {host}. What stood there before is set aside with a time stamp, not lost.",
    op.EnsureAuthority: "A certificate authority is put in place: the one key whose signature all parts trust.",
    op.TrustAuthority: "{host} is given the authority's certificate, so that it can tell whom to trust.",
    op.EnsureKeyPair: "One pair of keys is put on every control plane, so that all accept each other's tokens.",
    op.IssueCertificate: "{host} makes a key that never leaves it, and has a certificate for it signed.",
    op.AddMember: "etcd's list gets one more member. It copies the data first and has no vote yet.",
    op.PromoteMember: "The new member is given a vote, as soon as it has all the data the leader has.",
    op.RemoveMember: "A member is taken off etcd's list: from then on its vote is neither asked nor missed.",
    op.MoveLeader: "etcd's leader hands over to another member, so that nothing waits for an election.",
    op.SetServerState: "haproxy is told how to treat one server: to send it no new work, or to send it work again.",
    op.Nothing: "Nothing is changed. The hosts are only asked whether all is as it must be to go on.",
}
"""What a kind of operation comes to; a kind that is not here is told by its own line."""

WORDS = {
    r"etcd": ("etcd", "the store that keeps everything a Kubernetes cluster knows, the same on several hosts."),
    r"quorum|voters?": ("quorum", "the majority of etcd's voters. With fewer answering, nothing can be written."),
    r"learners?": ("learner", "an etcd member that copies the data and does not vote yet."),
    r"leader(ship)?": ("leader", "the one member that all writes go through; the others elect it and can replace it."),
    r"authority|CA|CAs": ("CA", "a certificate authority: it signs certificates, and who trusts it trusts those."),
    r"certificates?": ("certificate", "says who holds a key, under the signature of a CA, until a date."),
    r"kubeconfig": ("kubeconfig", "a file that says where the API server is and as whom to talk to it."),
    r"API servers?|apiserver": ("API server", "what all of Kubernetes talks to; it alone reads and writes etcd."),
    r"scheduler": ("scheduler", "decides on which node a pod runs; one of several is active at a time."),
    r"controller[- ]manager": ("controller-manager", "makes what is there like what was asked for; one is active."),
    r"haproxy|balancers?": ("haproxy", "passes connections on to the API servers that answer their checks."),
    r"keepalived|VRRP": ("keepalived", "lets hosts agree, by VRRP, which of them holds the virtual address."),
    r"virtual address|VIP": ("VIP", "an address that is on one host at a time and moves when that host fails."),
    r"locks?|leases?": ("lease", "a lock with a time on it: who holds it is active and must renew it to stay so."),
    r"units?|systemd": ("unit", "systemd's description of a service: how it starts, and that it is started again."),
    r"service[- ]account": ("service account", "what a program in the cluster is known as to the API server."),
    r"drain(ed)?": ("drain", "to send no new work to something, so that it can be stopped without a loss."),
}
"""Words of the trade as patterns, each with its name and its meaning."""


def in_plain_words(step: Step) -> tuple[Item, ...]:
    """What the step is for and what it does, without a command in it."""
    does = DOES.get(type(step.operation))
    happens = does.format(host=step.host) if does else step_line(step)
    return (
        Heading("In plain words"),
        Sentence(Cell(step.why)),
        Sentence(Cell(happens)),
        *_listed("It went well when", tuple(check_line(check) for check in step.verification)),
        *_if_it_fails(step),
        *_words(step),
    )


def _listed(heading: str, lines: tuple[str, ...]) -> tuple[Item, ...]:
    return (Heading(heading), *(Sentence(Cell(line), "·") for line in lines)) if lines else ()


def way_back(step: Step) -> str:
    """How a step is taken back, or why it cannot be; empty where the plan does not say."""
    match step.undo:
        case op.Irreversible():
            return undo_line(step.undo) or ""
        case op.RunCommand(argv=argv) | op.UndoByCommand(operation=op.RunCommand(argv=argv)):
            return short_line(argv)
        case _:
            return undo_line(step.undo) or ""


def _if_it_fails(step: Step) -> tuple[Item, ...]:
    """What becomes of it when it fails."""
    if step.undo is None:
        text = "Nothing that needs it is begun. There is nothing to take back."
        return (Heading("If it fails"), Sentence(Cell(text)))
    last = isinstance(step.undo, op.Irreversible)
    text = way_back(step)
    undo = Sentence(Cell(text, Tone.WARNING)) if last else Sentence(Cell(f"To take it back: {text}"))
    return (Heading("If it fails"), Sentence(Cell("Nothing that needs it is begun, and the run says why.")), undo)


def _words(step: Step) -> tuple[Item, ...]:
    """The words of the trade that stand in the step, explained."""
    text = f"{step.title} {step.why}"
    entries = (told for pattern, told in WORDS.items() if re.search(rf"\b({pattern})\b", text))
    facts = tuple(Fact(word, Cell(meaning)) for word, meaning in entries)
    return (Heading("Words in it"), *facts) if facts else ()
