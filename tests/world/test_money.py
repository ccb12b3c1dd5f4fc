"""The evening's accounts, worked out by hand: what comes in, what is spent, and how it is divided among cities."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from sim.sections.contacts import Claims
from sim.sections.money import MoneySection
from sim.sections.places import Community, Places
from sim.service.day_records import DayRecords
from sim.service.topics import CAUSES
from sim.world.columns import COLUMNS
from sim.world.flows import CHANNELS, Demand, Orders, Presence, Problems
from sim.world.geography import Geography, geography
from sim.world.money import Money

HOUR = 3_600_000
POOLS = ("chat_agents", "leaders", "supervisors")
QUALITY, LATE = CAUSES.index("quality"), CAUSES.index("late")

PLACES = Places(
    listed=[
        Community(community="a", city="east", users=600, leaders=2, x_km=0, y_km=1),
        Community(community="b", city="west", users=300, leaders=1, x_km=0, y_km=1),
        Community(community="c", city="east", users=100, leaders=0, x_km=1, y_km=1),
    ]
)
SECTION = MoneySection.model_validate(
    {
        "basket_yuan": 25,
        "contribution_yuan_per_order": 2,
        "commission_share": 0.1,
        "commission_within_contribution_share": 0.1,
        "wages": {
            "chat_agents": {"in_house_yuan_per_h": 40, "outsourced_yuan_per_h": 30},
            "supervisors": {"in_house_yuan_per_h": 60},
        },
        "night_supplement_share": 0.25,
        "training_yuan_per_h": 10,
        "systems_yuan_per_user_per_year": 0.73,
        "leader_incentive_yuan_per_month": 60,
        "agent_bonus_share": 0.05,
        "acquisition_yuan_per_user": 15,
    }
)
# Nobody's claims vary, so that a claim of 12 yuan is below the limit of 20 and the mean refund is 12 yuan.
CLAIMS = Claims(
    voiced_share=0.4,
    refund_without_agent_below_yuan=20,
    claim_mean_yuan=12,
    claim_cv=0.001,
    clean_record_share=0.9,
    refund_button_share=0.5,
    refundable=["quality"],
    abuse_share=0,
    abuse_per_leniency=0,
)
ORDERS = Orders(
    placed=np.array([100, 40, 20]),
    lost_enquiries=np.zeros(3, np.int64),
    users_lost=np.zeros(3, np.int64),
    lost_no_problem=np.zeros(3, np.int64),
    users_joined=np.array([2, 4, 0]),
)
USERS = np.array([600, 300, 100])
DEMAND = Demand(USERS, USERS * 0.15, ORDERS.placed)
PRESENCE = Presence(
    enter=np.array([8 * HOUR, 20 * HOUR, 7 * HOUR]),
    leave=np.array([16 * HOUR, 30 * HOUR, 23 * HOUR]),  # an agent works from 20:00 to 6:00
    server=np.array([0, 1, 2], dtype=np.int32),
    speed_pm=np.full(4, 1000),
    leaders_active=np.array([True, False, True]),
    paid_h=np.array([18.0, 16.0, 5.0]),
    trained_h=3.0,
)
SERVER_POOL = np.array([0, 0, 1, 2], dtype=np.int32)


def problems() -> Problems:
    """Three refunds without anybody in the east, two in the west; what is told to somebody is no refund of ours."""
    none = np.zeros((3, len(CAUSES)), dtype=np.int64)
    refunded = none.copy()
    refunded[0, QUALITY], refunded[2, QUALITY], refunded[1, LATE] = 1, 2, 2
    return Problems(none + 9, none + 5, refunded, none, none + 3, np.zeros((3, len(CHANNELS)), np.int64))


class Books:
    """Money of these places, and what it has written."""

    def __init__(self, places: Geography | None = None, days: int = 1, **changes: object) -> None:
        self.places = places or geography(PLACES)
        self.records = DayRecords(COLUMNS, days, self.places.cities, CHANNELS, CAUSES)
        section = SECTION.model_copy(update=changes)
        self.money = Money(section, self.places, POOLS, self.records, CLAIMS, SERVER_POOL)

    def evening(self, day: int = 0, users: np.ndarray = USERS, presence: Presence = PRESENCE, **more: object) -> Books:
        """One evening with the numbers above, some of them changed."""
        orders = replace(ORDERS, **{k: v for k, v in more.items() if k in ("placed", "users_joined")})  # type: ignore
        outside = more.get("outsourced_paid_h")
        self.money.evening(day, orders, DEMAND, presence, problems(), users, None, outside)  # type: ignore[arg-type]
        return self

    def of(self, column: str, day: int = 0) -> list[float]:
        """A column of a day, summed over causes, by city."""
        values = self.records.values[column][day]
        return (values if values.ndim == 1 else values.sum(axis=1)).tolist()

    def total(self, *columns: str) -> float:
        """Columns summed over everything."""
        return float(sum(self.records.values[column].sum() for column in columns))


def test_orders_bring_their_basket_commission_and_contribution() -> None:
    books = Books().evening()
    assert books.of("gmv_yuan") == [120 * 25, 40 * 25]
    assert books.of("commission_yuan") == pytest.approx([300, 100])
    assert books.of("contribution_yuan") == [240, 80]
    assert books.of("acquisition_yuan") == [30, 60]


def test_a_higher_commission_is_taken_off_the_contribution() -> None:
    books = Books(commission_share=0.12).evening()
    assert books.of("commission_yuan") == pytest.approx([360, 120])
    assert books.of("contribution_yuan") == pytest.approx([240 - 60, 80 - 20])


def test_wages_are_paid_hours_by_pool_with_a_supplement_for_the_night_divided_by_users() -> None:
    # 18 h × 40 + 5 h × 60, leaders get none; 8 of the agents' hours lie between 22:00 and 6:00.
    wages = 18 * 40 + 5 * 60 + 8 * 40 * 0.25
    assert Books().evening().of("wages_yuan") == pytest.approx([wages * 0.7, wages * 0.3], rel=1e-12)
    day_only = Books(night_supplement_share=0.0).evening()
    assert day_only.total("wages_yuan") == pytest.approx(1020)
    assert [n for n in COLUMNS if day_only.total(n) != Books().evening().total(n)] == ["wages_yuan", "incentives_yuan"]


def test_outsourced_hours_cost_their_own_wage() -> None:
    books = Books(night_supplement_share=0.0).evening(outsourced_paid_h=np.array([10.0, 0.0, 5.0]))
    assert books.total("wages_yuan") == pytest.approx(8 * 40 + 10 * 30 + 5 * 60)  # supervisors have no other wage


@pytest.mark.parametrize(
    ("enter", "leave", "hours"),
    [(0, 24, 8), (22, 30, 8), (21, 23, 1), (5, 7, 1), (6, 22, 0), (23.5, 24.5, 1), (24 + 1, 24 + 2, 1), (20, 54, 16)],
)
def test_the_night_runs_over_midnight(enter: float, leave: float, hours: float) -> None:
    presence = replace(
        PRESENCE,
        enter=np.array([round(enter * HOUR)]),
        leave=np.array([round(leave * HOUR)]),
        server=np.array([0], dtype=np.int32),
        paid_h=np.zeros(3),
    )
    assert Books().evening(presence=presence).total("wages_yuan") == pytest.approx(hours * 40 * 0.25)


def test_training_systems_and_incentives_are_what_their_rates_say() -> None:
    books = Books().evening()
    assert books.of("training_yuan") == pytest.approx([21, 9])
    assert books.total("systems_yuan") == pytest.approx(1000 * 0.73 / 365)
    bonus = (1020 + 80) * 0.05
    assert books.of("incentives_yuan") == pytest.approx([2 + bonus * 0.7, 2 + bonus * 0.3])  # one leader in each city


def test_refunds_without_anybody_are_small_claims_and_no_others_are_counted_here() -> None:
    books = Books().evening()
    assert books.of("refunds_yuan") == pytest.approx([36, 24], rel=1e-4)
    assert books.records.values["refunds_yuan"][0, 1, LATE] == pytest.approx(24, rel=1e-4)
    assert books.total("compensation_yuan") == 0


def test_a_budget_is_spent_to_the_share_that_the_standard_sets_and_a_dear_day_is_made_up_for() -> None:
    books = Books(budget_gmv_share=0.05, days=4)
    spent = []
    for day, placed in enumerate(([100, 40, 20], [0, 0, 0], [0, 0, 0], [400, 0, 0])):
        books.evening(day, placed=np.array(placed))
        spent.append(sum(books.of("systems_yuan", day)))
    others = 30 + 4 + 1100 * 0.05  # training, leaders, bonus: 89 yuan a day
    assert spent == pytest.approx([4000 * 0.05 - others, 2, 2, 10_000 * 0.05 - 3 * others - 4])
    whole = books.total("training_yuan", "systems_yuan", "incentives_yuan")
    assert whole == pytest.approx(0.05 * books.total("gmv_yuan"))


def test_a_budget_below_what_systems_cost_anyway_changes_nothing() -> None:
    assert Books(budget_gmv_share=0.001).evening().total("systems_yuan") == pytest.approx(2)


def test_what_is_spent_for_all_adds_up_over_many_cities_to_a_millionth_of_a_yuan() -> None:
    places = geography(Places(cities=20, communities_per_city=50, users_per_community=997, users_cv=0.8))
    books = Books(places)
    zeros = np.zeros(places.size, dtype=np.int64)
    orders = Orders(zeros, zeros, zeros, zeros, zeros)
    presence = replace(PRESENCE, leaders_active=np.zeros(places.leader_community.size, dtype=np.bool_))
    table = np.zeros((places.size, len(CAUSES)), dtype=np.int64)
    told = Problems(table, table, table, table, table, table)
    books.money.evening(0, orders, Demand(zeros, zeros * 0.0, zeros), presence, told, places.users)
    assert abs(books.total("wages_yuan") - 1100) < 1e-6
    assert abs(books.total("training_yuan") - 30) < 1e-6
    shares = np.array(books.of("wages_yuan")) / 1100
    assert shares == pytest.approx(places.by_city(places.users) / places.users.sum(), rel=1e-12)


def test_the_parts_add_up_to_the_net_benefit() -> None:
    books = Books(days=2).evening(0).evening(1, placed=np.array([7, 0, 0]))
    books.records.values["compensation_yuan"][0, 1, 2, QUALITY] = 50.0  # written by who judges cases
    spent = ("wages_yuan", "training_yuan", "systems_yuan", "incentives_yuan", "refunds_yuan", "acquisition_yuan")
    by_hand = 2 * 167 - 2 * (1100 + 30 + 2 + 4 + 55 + 60 + 90) - 50
    assert books.total("contribution_yuan") - books.total(*spent, "compensation_yuan") == pytest.approx(
        by_hand, rel=1e-4
    )


def test_without_users_what_is_spent_is_still_spent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        books = Books().evening(users=np.zeros(3, dtype=np.int64), placed=np.zeros(3, dtype=np.int64))
    assert books.of("wages_yuan") == pytest.approx([550, 550])
    assert books.of("gmv_yuan") == [0, 0]


def test_a_scenario_in_which_nothing_costs_anything_has_only_what_orders_bring() -> None:
    free = MoneySection(
        basket_yuan=25, contribution_yuan_per_order=2, commission_share=0.1, commission_within_contribution_share=0.1
    )
    books = Books(**{name: getattr(free, name) for name in MoneySection.model_fields})
    books.evening()
    written = {name for name in COLUMNS if books.total(name) != 0}
    assert written == {"gmv_yuan", "contribution_yuan", "commission_yuan", "refunds_yuan"}


def test_one_evening_writes_its_own_day_only() -> None:
    books = Books(days=3).evening(1)
    assert books.total("wages_yuan") == pytest.approx(sum(books.of("wages_yuan", 1)))


def test_wages_of_a_pool_that_does_not_exist_are_refused() -> None:
    with pytest.raises(
        ValueError, match="wages of the pool 'chat', which does not exist; allowed: chat_agents, leaders"
    ):
        Books(wages={"chat": SECTION.wages["chat_agents"]})


@pytest.mark.parametrize(("field", "value"), [("basket_yuan", -1), ("commission_share", 1.5), ("night", "22-6")])
def test_nonsense_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        MoneySection.model_validate({**SECTION.model_dump(), field: value})
