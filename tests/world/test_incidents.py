"""Bad batches, parent tickets, and the cases that wait for them."""

from __future__ import annotations

import numpy as np
import pytest
from contacts_town import DAY, Town, cause, rows

from sim.sections.contacts import ContactsSection
from sim.service.topics import NUMBERS, ORDINARY, cause_of, community_of, is_incident, number_of
from sim.world.chance import Chance
from sim.world.incidents import Incidents

PROBLEMS = ("problem", "group_problem")


def test_without_incidents_there_are_no_parent_tickets() -> None:
    town = Town()
    arrivals, _ = town.day(late=20, short=5)
    assert not town.of(arrivals, "ticket").any()
    assert not is_incident(arrivals.topic[town.of(arrivals, *PROBLEMS)]).any()


def test_a_late_van_makes_one_ticket_when_goods_are_due_whatever_it_touches() -> None:
    town = Town()
    incident = town.whole(-1)
    incident[[4, 5, 9]], incident[[20, 21]] = 64, 65
    arrivals, _ = town.day(day=3, late=np.where(incident > 0, 100, 0), incident=incident, goods_at_min=1000.0)
    ticket = town.of(arrivals, "ticket")
    assert sorted(number_of(arrivals.topic[ticket]).tolist()) == [64, 65]
    assert sorted(community_of(arrivals.topic[ticket]).tolist()) == [4, 20]
    assert (cause_of(arrivals.topic[ticket]) == cause("late")).all()
    assert (arrivals.t[ticket] == 3 * DAY + 16 * 3_600_000).all()
    assert (arrivals.home_server[ticket] == -1).all()


def test_an_incident_that_did_no_harm_is_not_noticed() -> None:
    town = Town()
    arrivals, _ = town.day(late=0, incident=64, short=0, short_incident=70)
    assert not town.of(arrivals, "ticket").any()


def test_a_short_night_of_sorting_is_noticed_when_pick_up_begins() -> None:
    town = Town()
    arrivals, _ = town.day(day=0, short=30, short_incident=70)
    ticket = town.of(arrivals, "ticket")
    assert ticket.sum() == 1
    assert arrivals.t[ticket][0] == 16 * 3_600_000
    assert cause_of(arrivals.topic[ticket])[0] == cause("missing")


def test_voiced_problems_of_an_incident_wait_for_its_ticket_and_no_others_do() -> None:
    town = Town(incidents__parent_ticket_share=1.0, claims__abuse_share=0.0, claims__abuse_per_leniency=0.0)
    incident = town.whole(-1)
    incident[:10] = 64
    arrivals, problems = town.day(late=100, incident=incident)
    of = town.of(arrivals, *PROBLEMS)
    late = of & (cause_of(arrivals.topic) == cause("late"))
    children = of & is_incident(arrivals.topic)
    assert children.sum() == problems.voiced[:10, cause("late")].sum() > 0
    assert (children <= late).all()
    assert (community_of(arrivals.topic[children]) < 10).all()


def test_a_share_of_an_incident_waits_for_its_ticket() -> None:
    all_, half = (Town(incidents__parent_ticket_share=share) for share in (1.0, 0.5))
    (a, _), (b, _) = (town.day(late=60, incident=64, goods_at_min=1080.0) for town in (all_, half))
    children = [int((town.of(x, *PROBLEMS) & is_incident(x.topic)).sum()) for town, x in ((all_, a), (half, b))]
    assert children[1] == pytest.approx(children[0] / 2, abs=2 * np.sqrt(children[0]))
    assert set(a.draw_key.tolist()) == set(b.draw_key.tolist())


def test_a_bad_batch_is_a_burst_of_quality_problems_in_its_city_and_moves_nothing_else() -> None:
    calm, struck = (
        Town(30, cities=2, incidents__bad_batch_share=0.0),
        Town(30, cities=2, incidents__bad_batch_share=0.4),
    )
    hit = next(day for day in range(50) if len(set((struck.contacts.incidents.batches(day) >= 0).tolist())) == 2)
    (before, p0), (after, p1) = calm.day(hit), struck.day(hit)
    city = struck.contacts.incidents.batches(hit) >= 0
    quality = cause("quality")
    assert (p1.all[city, quality].sum()) > 1.5 * p0.all[city, quality].sum()
    assert (p1.all[~city] == p0.all[~city]).all()
    others = np.arange(8) != quality
    assert (p1.all[:, others] == p0.all[:, others]).all()
    assert rows(before) <= rows(after)
    new = np.isin(after.draw_key, np.setdiff1d(after.draw_key, before.draw_key))
    assert (cause_of(after.topic[new]) == quality).all()
    assert struck.of(after, "ticket").sum() == 1


def test_bad_batches_come_as_often_as_their_chance_says() -> None:
    town = Town(1, cities=50, incidents__bad_batch_share=0.1)
    got = np.mean([(town.contacts.incidents.batches(day) >= 0).mean() for day in range(100)])
    assert got == pytest.approx(0.1, abs=3.5 * np.sqrt(0.09 / 5000))


def test_numbers_of_bad_batches_are_incidents_that_differ_between_days_and_cities() -> None:
    town = Town(1, cities=20, incidents__bad_batch_share=1.0)
    numbers = np.concatenate([town.contacts.incidents.batches(day) for day in range(400)])
    assert np.unique(numbers).size == numbers.size
    assert numbers.min() >= ORDINARY
    far = Incidents(ContactsSection.model_validate(town.section.model_dump()), town.places, 960.0, Chance(1, 0))
    assert far.batches(4000).max() < NUMBERS


def test_one_more_city_changes_no_other_citys_batches() -> None:
    few, more = Town(2, cities=3, incidents__bad_batch_share=0.3), Town(2, cities=4, incidents__bad_batch_share=0.3)
    for day in range(20):
        assert (few.contacts.incidents.batches(day) == more.contacts.incidents.batches(day)[:6]).all()


def test_announcements_go_to_active_leaders_of_late_communities_an_hour_before_pick_up() -> None:
    town = Town()
    late, share = town.whole(0), town.whole(1.0, np.float64)
    late[:5] = 30
    share[4] = 0.0
    active = np.ones(town.places.leader_community.size, dtype=np.bool_)
    active[0] = False
    arrivals, _ = town.day(day=2, late=late, announced_share=share, active=active, incident=70)
    sent = town.of(arrivals, "announcement")
    assert sorted(arrivals.home_server[sent].tolist()) == town.servers[1:8].tolist()
    assert (arrivals.t[sent] == 2 * DAY + 15 * 3_600_000).all()
    assert (number_of(arrivals.topic[sent]) == 70).all()
