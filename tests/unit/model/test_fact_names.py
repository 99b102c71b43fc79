"""Every observed field of a host has a fact name, and every fact name is such a field."""

from __future__ import annotations

from msgspec.structs import fields

from haconsole.model.hosts import FACTS, READINGS, HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED


def test_fact_names_are_the_observed_fields_of_a_host() -> None:
    observed = [each.name for each in fields(HostFacts) if each.default is NOT_ASKED]
    assert [*FACTS, *READINGS] == observed


def test_the_facts_of_a_host_come_by_their_names() -> None:
    facts = HostFacts(HostName("cp1"), "10.0.0.1", ()).facts()
    assert facts == tuple((name, NOT_ASKED) for name in FACTS)
