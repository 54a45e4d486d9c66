"""The KV service: stores, the service as one location sees it, and the binding that a Worker holds."""
