"""The control planes behind an endpoint are known by the certificates that were presented there."""

from __future__ import annotations

from haconsole.model.endpoint_view import endpoint_view
from tests.fakes.cluster import healthy
from tests.fakes.endpoint import ADDRESS, behind_endpoint


def test_a_cluster_with_a_vip_has_no_view_of_its_endpoint() -> None:
    assert endpoint_view(healthy()) is None


def test_control_planes_answer_whose_certificates_were_presented() -> None:
    view = endpoint_view(behind_endpoint(healthy(), "apiserver@cp1", "apiserver@cp3"))
    assert view is not None
    assert (view.address, view.answering, view.unrecognised) == (ADDRESS, ("cp1", "cp3"), 0)
    assert view.sentence == f"endpoint {ADDRESS}: cp1, cp3 answered"


def test_a_balancer_with_a_certificate_of_its_own_is_counted() -> None:
    view = endpoint_view(behind_endpoint(healthy(), "apiserver@cp1", "balancer"))
    assert view is not None
    assert (view.answering, view.unrecognised) == (("cp1",), 1)
    assert view.sentence.endswith("cp1 and 1 unrecognised certificate answered")


def test_an_endpoint_without_an_answer_names_nobody() -> None:
    view = endpoint_view(behind_endpoint(healthy()))
    assert view is not None
    assert view.sentence == f"endpoint {ADDRESS}: no TLS answer to any host"
