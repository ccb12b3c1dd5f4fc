"""Other simulators' models of the contact centre, from the folder ``benchmarks``, where they are installed."""

from __future__ import annotations

import importlib
from typing import Any

from sim.bench.figure import CannotMeasureError

PEERS = ("simpy", "ciw", "cimba")

FOLDER = "benchmarks"


def peer(name: str) -> Any:
    """The module with a peer's model; its ``run(days, seed)`` returns a ``benchmarks.workload.Outcome``.

    Raises
    ------
    CannotMeasureError
        If the peer is not installed.
    """
    try:
        return importlib.import_module(f"{FOLDER}.{name}_contact_centre")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == FOLDER:
            raise CannotMeasureError(
                f"the folder {FOLDER}/ is not there: run from the project's own checkout"
            ) from error
        raise CannotMeasureError(f"the package {error.name} is not installed: 'make bench' installs it") from error
    except (ImportError, OSError) as error:
        raise CannotMeasureError(f"{name} cannot be loaded here ({error})") from error
