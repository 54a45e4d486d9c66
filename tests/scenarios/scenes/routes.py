"""Every route of the Worker, as the other scenes walk through them."""

ROUTES = (
    ("GET", "/api/queue"),
    ("POST", "/api/queue/claim"),
    ("GET", "/api/queue/a"),
    ("POST", "/api/queue/a/release"),
    ("POST", "/api/queue/a/renew"),
    ("POST", "/api/queue/a/status"),
    ("POST", "/api/result/a"),
    ("GET", "/api/result/a"),
    ("GET", "/api/migrate/status"),
    ("POST", "/api/migrate/run"),
    ("POST", "/api/migrate/rollback"),
)
WITH_BODY = tuple(path for method, path in ROUTES if method == "POST" and not path.startswith("/api/migrate"))
WITH_ID = tuple((method, path) for method, path in ROUTES if "/a" in path.removeprefix("/api"))
