"""Keep the literals of the source out of generated requests.

Hypothesis mixes in constants that it finds in every loaded module outside site-packages. The requests would then change
with each edit, and with the way pytest was started: its script counts as such a module, an xdist worker has none. There
is no setting against it (hypothesis 6.170). The fixed list of its own that it mixes in besides does no harm.
"""

from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

SOURCE = "_get_local_constants"


def ignore_literals_of_the_source() -> None:
    """Make Hypothesis find none, in this process."""
    # Were it renamed, runs would differ again without a word.
    assert hasattr(providers, SOURCE), f"hypothesis has no {SOURCE} any more: look where it takes constants from now"
    setattr(providers, SOURCE, Constants)
