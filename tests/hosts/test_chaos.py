"""A handful of the points that `make chaos` puts every action to, of actions that are fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.chaos_act import Chaos
from tests.hosts.conftest import LabMaker


@pytest.mark.timeout(400)
def test_a_handful_of_disturbed_runs_end_as_undisturbed_ones(make_lab: LabMaker, tmp_path: Path) -> None:
    chaos = Chaos(make_lab(hosts=4, kubernetes=False), tmp_path, print)
    for action, points in (("bootstrap", 2), ("move-leader", 1)):
        report = chaos.act(action, points, seed=4)
        assert report.good, str(report)
