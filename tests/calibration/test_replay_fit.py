"""What a replay is fed is what the log says, and what it does not say follows the stated rules."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration.fit import arrivals_of, ends_of_service, fit_log, presence_of, with_ends
from calibration.generated import AFTER_CALL_MEAN_S
from calibration.logs import read_log
from calibration.mapping import DAY_MS
from sim.library import load, load_text
from sim.problems import InputError
from sim.scenario import Seize, Work
from sim.service.build import build

MINUTE = 60_000


@pytest.fixture(scope="module")
def fit(example_log):
    return fit_log(example_log, load("generated_log"))


@pytest.fixture(scope="module")
def network(fit):
    return build(fit.scenario)


def step(fit, kind, name):
    return next(one for one in fit.scenario.regimes[fit.scenario.regime][kind] if one.step == name)


def test_arrivals_are_the_contacts_with_time_kind_and_priority(fit, network):
    fed, contacts = arrivals_of(fit, network, 1, 0), fit.log.contacts
    assert fed.t.tolist() == contacts["arrived_ms"].tolist()
    assert [network.names.kinds[kind] for kind in fed.kind] == contacts["kind"].tolist()
    assert (fed.level == 0).tolist() == contacts["priority_high"].tolist()
    assert len(set(fed.draw_key.tolist())) == len(contacts)


def test_a_contact_is_known_by_its_day_and_place_so_that_other_days_change_nobodys_luck(fit, network):
    contacts, keys = fit.log.contacts, arrivals_of(fit, network, 1, 0).draw_key
    later = (contacts["day"] != 0).to_numpy()
    rest = dataclasses.replace(fit.log, contacts=contacts[later], rows_read=fit.log.rows_read - int((~later).sum()))
    fed = arrivals_of(dataclasses.replace(fit, log=rest, high_share=fit.high_share[later]), network, 1, 0)
    assert fed.draw_key.tolist() == keys[later].tolist()


def test_a_priority_that_the_log_does_not_know_is_drawn_as_often_as_among_those_who_queued(write_rows, mapping):
    queued = [{"at": f"9:{n:02d}:00", "hold": f"9:{n:02d}:00", "released": f"9:{n:02d}:10"} for n in range(40)]
    rows = [{**row, "level": "2" if n % 4 else "1", "start": row["released"]} for n, row in enumerate(queued)]
    none = {"hold": "0:00:00", "released": "0:00:00", "level": "0"}
    rows += [{**none, "at": f"1{n // 50}:{n % 50:02d}:00", "start": f"1{n // 50}:{n % 50:02d}:00"} for n in range(400)]
    rows = [{**row, "end": row["start"][:-2] + "50"} for row in rows]
    text = load("generated_log").text.replace("order", "red")
    fit = fit_log(read_log(write_rows(*rows), mapping), load_text(text))
    assert np.isnan(fit.high_share).sum() == 40
    assert fit.high_share[40:] == pytest.approx(0.75)
    high = [(arrivals_of(fit, build(fit.scenario), 1, n).level == 0) for n in range(3)]
    assert high[0][:40].tolist() == high[1][:40].tolist() == [bool(n % 4) for n in range(40)]
    assert high[0].tolist() != high[1].tolist()
    assert np.mean([some[40:].mean() for some in high]) == pytest.approx(0.75, abs=0.05)


def test_windows_are_in_order_do_not_touch_and_belong_to_the_servers_of_the_log(fit, network):
    for replication in range(3):
        windows = presence_of(fit, network, 1, replication)
        assert set(windows.server.tolist()) == set(range(len(fit.servers)))
        assert (windows.enter < windows.leave).all()
        same = windows.server[1:] == windows.server[:-1]
        assert (windows.enter[1:][same] > windows.leave[:-1][same]).all()


def test_presence_leaves_out_what_servers_did_of_their_own_accord(fit, network):
    windows, works = presence_of(fit, network, 1, 0), fit.log.works()
    own = works[~works["arrival"] & (works["until_ms"] > works["from_ms"])]
    assert len(own) > 10
    for one in own.itertuples():
        mine = windows.server == fit.servers.index(one.server)
        assert not (mine & (windows.enter < one.until_ms) & (windows.leave > one.from_ms)).any()


def test_only_the_ends_of_shifts_differ_between_replications_and_their_mean_is_the_rule(fit):
    same = with_ends(fit.presence, fit.log, 1.0)
    assert same[["from_ms", "until_ms"]].equals(fit.presence[["from_ms", "until_ms"]])
    none, twice = with_ends(fit.presence, fit.log, 0.0), with_ends(fit.presence, fit.log, 2.0)
    assert (none["from_ms"] + twice["from_ms"] - 2 * same["from_ms"]).abs().max() <= 1
    assert (none["until_ms"] + twice["until_ms"] - 2 * same["until_ms"]).abs().max() <= 1
    works = fit.log.works()
    assert set(none["from_ms"]) <= set(works["from_ms"])


def test_the_scenario_gets_the_times_the_servers_and_the_days_of_the_log(fit, example_log):
    scenario = fit.scenario
    assert (scenario.horizon.days, scenario.horizon.first_weekday) == (example_log.days + 1, "mon")
    (group,) = scenario.pools["agents"].groups
    assert (group.head_count, group.presence) == (10, {})
    for kind in example_log.contacts["kind"].unique():
        request, talk = step(fit, kind, "answer"), step(fit, kind, "talk")
        assert isinstance(request, Seize)
        assert isinstance(talk, Work)
        assert (request.patience.family, talk.duration.family) == ("empirical", "empirical")
    assert step(fit, "order", "talk").duration != step(fit, "refund", "talk").duration
    assert step(fit, "order", "wrap_up").duration == step(fit, "refund", "wrap_up").duration


def test_hidden_work_comes_out_whatever_the_queue_was(fit):
    quantiles = step(fit, "order", "wrap_up").duration.quantiles_s
    shares, times = np.array(sorted(quantiles.items())).T
    assert np.trapezoid(times, shares) == pytest.approx(AFTER_CALL_MEAN_S, rel=0.15)
    for share in (0.5, 0.75, 0.9):
        assert np.interp(share, shares, times) == pytest.approx(-AFTER_CALL_MEAN_S * np.log(1 - share), rel=0.2, abs=1)


def test_with_a_step_for_it_hidden_work_is_told_apart_by_who_waits_and_never_quicker_when_nobody_does(example_log):
    text = load("generated_log").text
    split = text.replace(
        "- do: work\n      step: wrap_up\n",
        "- do: branch_queue\n      station: phone\n      at_least: 1\n      to: wrap_up_queued\n"
        "    - do: work\n      step: wrap_up_queued\n      duration: {family: constant, value_s: 1}\n"
        "    - do: work\n      step: wrap_up\n",
    )
    assert split.count("wrap_up_queued") == 6
    fit = fit_log(example_log, load_text(split))
    queued = np.array(sorted(step(fit, "order", "wrap_up_queued").duration.quantiles_s.items()))[:, 1]
    quiet = np.array(sorted(step(fit, "order", "wrap_up").duration.quantiles_s.items()))[:, 1]
    assert (quiet >= queued - 1e-9).all()


def work(start, end, who="Ann", waited_from=None, at=None):
    """One answered row; without ``waited_from`` it was answered at once."""
    hold = {"hold": waited_from, "released": start} if waited_from else {"hold": "0:00:00", "released": "0:00:00"}
    return {"at": at or waited_from or start, **hold, "start": start, "end": end, "who": who}


def test_the_end_of_hidden_work_is_known_exactly_or_between_two_moments(write_rows, mapping):
    rows = [
        work("9:00:00", "9:01:00"),
        work("9:01:20", "9:05:00", waited_from="9:00:50"),  # Ann was not there for 20 s, and somebody waited
        work("9:00:00", "9:05:10", who="Bob"),
        work("9:05:25", "9:20:00", who="Bob", waited_from="9:05:15"),  # until 9:05:25 Ann was not there either
        work("9:05:40", "9:20:00"),  # nobody waits any more: between 25 and 40 s after the end
    ]
    ends = ends_of_service(read_log(write_rows(*rows), mapping), longest_ms=20 * MINUTE)
    found = zip(ends.at_least_ms.tolist(), ends.at_most_ms.tolist(), ends.queued.tolist(), strict=True)
    assert list(found) == [(20_000, 20_000, True), (25_000, 40_000, False), (15_000, 15_000, False)]
    assert len(ends_of_service(read_log(write_rows(*rows), mapping), longest_ms=20_000).queued) == 2


def test_a_log_without_abandoned_contacts_keeps_the_patience_of_the_scenario(write_rows, mapping):
    rows = [work(f"9:{n:02d}:00", f"9:{n:02d}:30") for n in range(5)]
    text = load("generated_log").text.replace("order", "red")
    fit = fit_log(read_log(write_rows(*rows), mapping), load_text(text))
    assert step(fit, "red", "answer").patience.family == "exponential"
    assert step(fit, "red", "wrap_up").duration.family == "exponential"
    assert sum("stays as the scenario has it" in note or "keeps that" in note for note in fit.notes) == 2


def test_a_log_that_names_no_server_is_refused(write_rows, mapping):
    left = {"result": "left", "start": "0:00:00", "end": "0:00:00", "who": "NOBODY"}
    text = load("generated_log").text.replace("order", "red")
    with pytest.raises(InputError, match="no server"):
        fit_log(read_log(write_rows(left), mapping), load_text(text))


def test_the_last_day_has_time_to_end(fit):
    assert fit.log.contacts["arrived_ms"].max() < (fit.scenario.horizon.days - 1) * DAY_MS
