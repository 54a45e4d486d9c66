"""The kinds of KV operations, a row each: what they are called, what they count as, and who decides over them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of operation.

    name      as the journal and fault rules call it
    wire      as KV's own errors call it
    method    the method of the binding that the error of a spent quota names
    billed    what it is in the price list; a request of many keys is billed by the key
    writes    whether other locations can see it late
    decided   whether fault rules and limits decide over it
    """

    name: str
    wire: str
    method: str
    billed: str
    writes: bool = False
    decided: bool = True


GET = Kind("get", "GET", "get", "reads")
GET_BULK = Kind("get_bulk", "GET_BULK", "get", "reads")
PUT = Kind("put", "PUT", "put", "writes", writes=True)
DELETE = Kind("delete", "DELETE", "delete", "deletes", writes=True)
LIST = Kind("list", "GET", "list", "lists")
LOAD = Kind("put", "PUT", "put", "writes", writes=True, decided=False)  # a seed: nobody's traffic, noted as puts

KINDS = {kind.name: kind for kind in (GET, GET_BULK, PUT, DELETE, LIST)}
