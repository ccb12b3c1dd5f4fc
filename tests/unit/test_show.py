"""Tables on a terminal, and what ``make run`` prints: every figure in its place, nothing empty, nothing unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from sim import front_door, show
from sim.cli import linli
from sim.library import Loaded, load
from sim.measures import BREAKDOWNS, MEASURES, Estimate
from sim.shown import GROUPS, IN_GENERAL, OF_BREAKDOWN


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(linli, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def row(text: str, name: str) -> list[str]:
    """Cells of the first row whose first cell this is."""
    rows = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in text.splitlines() if "│" in line]
    return next(cells for cells in rows if cells[0] == name)


def test_every_figure_is_in_one_group() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(MEASURES)


def test_breakdowns_and_the_first_screen_show_figures_that_exist() -> None:
    assert set(OF_BREAKDOWN) <= set(BREAKDOWNS)
    assert {name for names in (*OF_BREAKDOWN.values(), IN_GENERAL) for name in names} <= set(MEASURES)
    shown = {name for names in front_door.FIGURES.values() for name in names}
    assert shown <= set(MEASURES)
    assert set(front_door.PROMISED) <= shown


@pytest.mark.parametrize("by", OF_BREAKDOWN)
def test_what_a_breakdown_shows_can_be_broken_down_so(by: str) -> None:
    assert all(by in MEASURES[name].by for name in OF_BREAKDOWN[by])


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(12.34, 11.8, 12.88, "min", 5), "12.3 ± 0.5"),
        (Estimate(0.605, 0.601, 0.609, "share", 5), "60.5 ± 0.4 %"),
        (Estimate(0.0, 0.0, 0.0, "1", 5), "0"),
        (Estimate(2.0, 0.0, 5.0, "h", 5), "2.00 ± 3.00"),
        (Estimate(12.34, None, None, "min", 1), "12.3"),
        (Estimate(0.00132, 0.00121, 0.00143, "1", 5), "0.00132 ± 0.00011"),
        (Estimate(-104_422.0, -105_000.0, -103_844.0, "yuan", 5), "-104,422 ± 578"),
        (Estimate(float("nan"), None, None, "min", 0), "–"),
        (None, "–"),
    ],
)
def test_a_half_width_is_as_precise_as_its_value(estimate: Estimate | None, text: str) -> None:
    assert show.with_half_width(estimate) == text


def test_a_run_shows_its_figures_under_headings_and_no_empty_group() -> None:
    text = printed("run", "today", "--days", "2", "--replications", "1", "--by", "channel,cause")
    headings = [title for title in GROUPS if row(text, title)]
    assert headings == list(GROUPS)
    assert [text.index(f"│ {title} ") for title in GROUPS] == sorted(text.index(f"│ {title} ") for title in GROUPS)
    assert int(row(text, "group")[1].replace(",", "")) > 0
    assert "│ none " not in text[text.index("by channel") : text.index("by cause")]
    assert "│ Money " not in printed("run", "mmc", "--days", "2", "--replications", "1")


def test_the_first_screen_names_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def two_days(name: str) -> Loaded:
        return load(name, sets=["horizon.days=2", "horizon.warm_up_days=0"])

    monkeypatch.setattr("sim.library.load", two_days)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr(front_door, "REPLICATIONS", 2)
    front_door.main()
    text = capsys.readouterr().out
    for name in (name for names in front_door.FIGURES.values() for name in names):
        assert len(row(text, name)[1:3]) == 2, name
        assert "–" not in row(text, name)[1:3], name
    assert "50 communities, 50,000 users, 100 leaders" in text
    assert "2 replications of 2 days" in text


def test_the_first_screen_says_how_long_its_scenarios_run() -> None:
    for name in front_door.SCENARIOS:
        horizon = load(name).scenario.horizon
        assert (horizon.days - horizon.warm_up_days, horizon.warm_up_days) == (28, 7)
    source = Path(front_door.__file__).read_text(encoding="utf-8")
    assert "One city, four weeks after a week of warm-up" in source
