"""The headers that open the tests' deployment."""

QUEUE = {"X-API-Key": "test-queue-key"}
ADMIN = {"X-API-Key": "test-admin-key"}
CONTROL = "/cdn-cgi/emulator"
