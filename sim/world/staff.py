"""All who work: who is present this morning and how fast, who quits, learns or begins this evening."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.scenario import Scenario
from sim.sections.staff import LeaderStaff, StaffSection
from sim.service.tables import Float64, Int32, Int64
from sim.world.agents import MIDDLE_GRADE, Agents, DaysWork, by_server
from sim.world.chance import Chance, key_of, mixed
from sim.world.flows import Bool, CaseRows, ContactRows, Delivery, Presence, Today, Turnover
from sim.world.geography import Geography
from sim.world.leaders import Leaders
from sim.world.rosters import HOUR, MINUTE, Rosters


def problems_of_staff(
    section: StaffSection, scenario: Scenario, geography: Geography
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What does not fit together: the place in the scenario's tree, what is wrong there, what is allowed."""
    pools = scenario.pools
    names = ", ".join(pools)
    for i, name in enumerate(section.agents.pools):
        if name not in pools:
            yield ("world", "staff", "agents", "pools", i), f"there is no pool '{name}'", names
    leaders = section.leaders
    if leaders is None:
        if geography.leader_key.size:
            message = f"the places have {geography.leader_key.size} leaders and no pool is theirs"
            yield ("world", "staff", "leaders"), message, "the name of their pool, or places without leaders"
        return
    if leaders.pool not in pools:
        yield ("world", "staff", "leaders", "pool"), f"there is no pool '{leaders.pool}'", names
        return
    groups = pools[leaders.pool].groups
    servers = sum(group.head_count for group in groups)
    if servers != geography.leader_key.size:
        message = f"{servers} servers for the {geography.leader_key.size} leaders of the places"
        yield ("pools", leaders.pool, "groups"), message, "one server for each leader of world.places"
    for i, group in enumerate(groups):
        # A roster counts its servers; one more leader in one community would move the days off of all that follow.
        for field, neutral in (("days_per_week", 7), ("absence_share", 0), ("break_min", 0)):
            if getattr(group, field) != neutral:
                allowed = f"{neutral}; world.staff.leaders.day_off_share has their days off, spans their breaks"
                message = f"{getattr(group, field):g} for leaders"
                yield ("pools", leaders.pool, "groups", i, field), message, allowed


class Staff:
    """Everybody who works, from day to day.

    Days are lived in order: ``leaders_active`` is right before the morning, ``morning`` says who is present,
    ``evening`` changes who sits where from the next morning on. Everything is drawn by the names of groups, communities
    and seats.

    ``leader_servers`` : int32 (L,). ``grade`` : float64 (S,), what each server is worth on the scale of stars, 3 for
    all who are no agents. ``stars`` : int64 (S,), what agents were awarded last. ``outsourced_paid_h`` : float64
    (pools,), that part of this day's paid hours which is outsourced.
    """

    def __init__(
        self,
        section: StaffSection,
        scenario: Scenario,
        server_groups: tuple[str, ...],
        geography: Geography,
        chance: Chance,
        first_weekday: int,
    ) -> None:
        """``server_groups`` : pool/group by server.

        Raises
        ------
        ValueError
            If the servers are not those of the scenario's pools, or not one for each leader.
        """
        self.section, self._chance, self._first_weekday = section, chance, first_weekday
        daily = set(section.agents.pools) | ({section.leaders.pool} if section.leaders else set())
        self.rosters = rosters = Rosters(scenario, chance.seed, chance.replication, daily)
        labels = [rosters.labels[i] for i in rosters.group.tolist()]
        if labels != list(server_groups):
            raise ValueError("the servers are not those of the scenario's pools, in their order")
        pools = list(scenario.pools)
        self._pools = len(pools)
        self.leader_servers = self._servers_of(pools, [section.leaders.pool] if section.leaders else [])
        if self.leader_servers.size != geography.leader_key.size:
            raise ValueError(
                f"{self.leader_servers.size} servers for {geography.leader_key.size} leaders; allowed: one for each"
            )
        self._keys = self._seat_keys(geography)
        self.leaders = Leaders(
            section.leaders or LeaderStaff(pool="none"), section.month_days, self.leader_servers, geography, chance
        )
        agents = self._servers_of(pools, section.agents.pools)
        self.agents = Agents(
            section.agents,
            section.month_days,
            agents,
            self._keys[agents],
            rosters.number[agents],
            rosters.pool[agents],
            chance,
        )
        self._festival_factor = self._factors()
        self._away_since: int | None = None
        self._meeting_ms = round(section.agents.morning_meeting_min * MINUTE)
        self._speed_pm: Int64 = rosters.speed_pm
        self.grade: Float64 = np.full(rosters.size, MIDDLE_GRADE)
        self.outsourced_paid_h: Float64 = np.zeros(self._pools)
        self._update_people(0)

    def _servers_of(self, pools: list[str], names: list[str]) -> Int32:
        numbers = [i for i, name in enumerate(pools) if name in names]
        return np.flatnonzero(np.isin(self.rosters.pool, numbers)).astype(np.int32)

    def _seat_keys(self, geography: Geography) -> Int64:
        """Keys (S,) by group and place in it; those of leaders by community and place in that."""
        groups = np.array([key_of("seat", label) for label in self.rosters.labels], dtype=np.int64)
        keys = mixed(groups[self.rosters.group], self.rosters.number)
        keys[self.leader_servers] = geography.leader_key
        return keys

    def _factors(self) -> Float64:
        """How strongly a festival keeps each server away (S,); not at all one who is always there."""
        factor = np.full(self.rosters.size, self.section.others_festival_factor)
        factor[self.agents.servers] = self.section.agents.festival_factor
        factor[self.leader_servers] = self.leaders.section.festival_factor
        factor[self.rosters.always] = 0.0
        return factor

    # ── what can be asked any time ───────────────────────────────────────────────────────────────────────────────

    @property
    def leaders_active(self) -> Bool:
        """Leaders (L,) with a shop on the day that comes next, or is under way."""
        return self.leaders.active

    @property
    def agents_on_payroll(self) -> int:
        """Agents there are; with ``vacancies`` all seats."""
        return self.agents.on_payroll

    @property
    def vacancies(self) -> int:
        """Agents' seats that nobody sits on."""
        return self.agents.vacancies

    @property
    def stars(self) -> Int64:
        """Star grades (S,) awarded last; 3 for all who are no agents."""
        stars = np.full(self.rosters.size, round(MIDDLE_GRADE), dtype=np.int64)
        stars[self.agents.servers] = self.agents.stars
        return stars

    # ── the day ──────────────────────────────────────────────────────────────────────────────────────────────────

    def morning(self, today: Today) -> Presence:
        """Windows, paces and paid hours of a day."""
        day, rosters, agents, leaders = today.day, self.rosters, self.agents, self.leaders
        self._update_people(day)
        scheduled = rosters.hours(today.weekday)
        here = ~(rosters.absent(day) | self._away(today))
        paid = np.ones(rosters.size, dtype=np.bool_)
        paid[agents.servers] = agents.paid()
        paid[leaders.servers] = leaders.open(day)
        here &= paid
        trained_h = float(leaders.active.sum()) * leaders.section.training_h_per_month / self.section.month_days
        later_ms: Int64 | None = None
        if agents.servers.size:
            in_class = agents.in_class(day)
            trained_h += float(scheduled[agents.servers[in_class]].sum())
            here[agents.servers[in_class]] = False
            later_h = agents.later_h(day, here[agents.servers] & (scheduled[agents.servers] > 0))
            trained_h += float(later_h.sum())
            if self._meeting_ms or later_h.any():
                later_ms = np.zeros(rosters.size, dtype=np.int64)
                later_ms[agents.servers] = self._meeting_ms + np.rint(later_h * HOUR).astype(np.int64)
        found = rosters.windows(day, today.weekday, here, later_ms)
        hours = scheduled * paid
        out = agents.servers[agents.outsourced]
        self.outsourced_paid_h = self._by_pool(rosters.pool[out], hours[out])
        return Presence(
            enter=found.enter,
            leave=found.leave,
            server=found.server,
            speed_pm=self._speed_pm,
            leaders_active=leaders.active,
            paid_h=self._by_pool(rosters.pool, hours),
            trained_h=trained_h,
        )

    def evening(
        self,
        today: Today,
        cases: CaseRows,
        satisfaction: Float64,
        contacts: ContactRows,
        delivery: Delivery,
        users: Int64,
        orders: Int64,
        leaving: Bool | None = None,
    ) -> Turnover:
        """What the day does to people, from the next morning on.

        Parameters
        ----------
        satisfaction : float64, true satisfaction of the rows of ``cases``. users : int64 (C,), from whom leaders take
            some along. orders : int64 (C,), placed today. leaving : bool (L,), leaders whom an event makes quit; None:
            nobody.
        """
        size, servers = self.rosters.size, self.leader_servers
        work = DaysWork(by_server(contacts.server, size), by_server(cases.last_server, size))
        lost, replaced, taken = self.leaders.evening(
            today.day, work.answered[servers], work.closed[servers], delivery, users, leaving
        )
        agents_lost, agents_hired = self.agents.evening(
            today.day, work, cases, satisfaction, contacts, float(orders.sum())
        )
        return Turnover(
            leaders_lost=lost,
            leaders_replaced=replaced,
            users_taken=taken,
            agents_lost=agents_lost,
            agents_hired=agents_hired,
        )

    def _by_pool(self, pool: Int64, hours: Float64) -> Float64:
        return np.bincount(pool, weights=hours, minlength=self._pools).astype(np.float64)

    def _away(self, today: Today) -> Bool:
        """Whom a festival keeps away (S,): the same ones on all days in a row, fewer where the share is smaller."""
        if today.staff_absent_share <= 0:
            self._away_since = None
            return np.zeros(self.rosters.size, dtype=np.bool_)
        if self._away_since is None:
            self._away_since = today.day
        luck = self._chance.uniform("staff:festival", self._keys, self._away_since)
        return luck < today.staff_absent_share * self._festival_factor

    def _update_people(self, day: int) -> None:
        """Paces and grades of a day; the same array of paces as long as nobody's has changed."""
        agents, leaders = self.agents, self.leaders
        if not (agents.changed or leaders.changed or agents.learning(day) or leaders.learning(day)):
            return
        agents.changed = leaders.changed = False
        factor = np.ones(self.rosters.size)
        factor[agents.servers] = agents.pace(day)
        factor[leaders.servers] = leaders.pace(day)
        speed = np.maximum(np.rint(self.rosters.speed_pm * factor), 1).astype(np.int64)
        if not np.array_equal(speed, self._speed_pm):
            self._speed_pm = speed
        grade = np.full(self.rosters.size, MIDDLE_GRADE)
        grade[agents.servers] = agents.grade(day)
        self.grade = grade
