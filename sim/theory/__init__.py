"""Exact and approximate answers of queueing theory: instant figures for people, yardsticks for tests.

Rates are per second, times in seconds, shares between 0 and 1; a load is arrival rate times mean service time, in
servers. Waits are over all offered unless a name says otherwise. `TheoryError`, a ValueError, says what is wrong with
an input; its kind `UnstableQueueError`, that a queue has no steady state.
"""

from sim.theory.abandonment import ErlangA, erlang_a
from sim.theory.constant_service import ConstantServiceQueue, constant_service_queue
from sim.theory.erlang import (
    ErlangC,
    FiniteRoomQueue,
    erlang_b,
    erlang_b_load,
    erlang_b_servers,
    erlang_c,
    finite_room_queue,
)
from sim.theory.general_service import GeneralServiceQueue, several_server_approximation, single_server_queue
from sim.theory.inputs import TheoryError, UnstableQueueError
from sim.theory.networks import JacksonNetwork, Station, jackson_network
from sim.theory.priorities import PriorityQueue, priority_queue, single_server_priority_queue
from sim.theory.square_root import (
    SquareRootStaffing,
    garnett_abandoned_share,
    garnett_beta,
    garnett_wait_probability,
    halfin_whitt_beta,
    halfin_whitt_wait_probability,
    square_root_staffing,
)
from sim.theory.staffing import ServiceTarget, erlang_a_servers, erlang_c_servers
from sim.theory.time_varying import Interval, Leaving, TimeVaryingQueue, time_varying_queue

__all__ = [
    "ConstantServiceQueue",
    "ErlangA",
    "ErlangC",
    "FiniteRoomQueue",
    "GeneralServiceQueue",
    "Interval",
    "JacksonNetwork",
    "Leaving",
    "PriorityQueue",
    "ServiceTarget",
    "SquareRootStaffing",
    "Station",
    "TheoryError",
    "TimeVaryingQueue",
    "UnstableQueueError",
    "constant_service_queue",
    "erlang_a",
    "erlang_a_servers",
    "erlang_b",
    "erlang_b_load",
    "erlang_b_servers",
    "erlang_c",
    "erlang_c_servers",
    "finite_room_queue",
    "garnett_abandoned_share",
    "garnett_beta",
    "garnett_wait_probability",
    "halfin_whitt_beta",
    "halfin_whitt_wait_probability",
    "jackson_network",
    "priority_queue",
    "several_server_approximation",
    "single_server_priority_queue",
    "single_server_queue",
    "square_root_staffing",
    "time_varying_queue",
]
