"""Which host names and addresses are this machine's own."""

import ipaddress


def loopback(host: str) -> bool:
    """Whether a host name or address can be reached from this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
