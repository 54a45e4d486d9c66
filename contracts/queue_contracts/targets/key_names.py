"""What the queue's keys in KV are called, in either format. What else lies in the namespace is not looked at."""

OLD_TASK, OLD_LEASE, OLD_PENDING = "orchestrator:queue:", "orchestrator:lease:", "orchestrator:pending"
NEW_TASK, NEW_LEASE = "queue:task:", "queue:lease:"
RESULT = "orchestrator:result:"


def is_of_the_queue(key: str) -> bool:
    """Whether a key is the queue's own."""
    return key == OLD_PENDING or key.startswith((OLD_TASK, OLD_LEASE, NEW_TASK, NEW_LEASE, RESULT))
