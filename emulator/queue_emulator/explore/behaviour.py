"""What production does that can be switched off, to find out what a finding needs."""

from enum import Enum


class Behaviour(Enum):
    """Each with what to call it."""

    CACHES = "copies at locations"
    OVERLAP = "requests that overlap"
    WRITE_RATE = "one write a second to one key"
    OPERATIONS = "the budget of operations"
    PAGES = "pages of a list"
    PAUSES = "time that passes"
    FAULTS = "a fault"
    ORDER = "operations of one request in another order"
    MACHINES = "several machines at a location"


Without = frozenset[Behaviour]
ALL: Without = frozenset()
