"""What targets, variables of the environment and reports are called. It imports nothing that could be missing."""

KINDS = ("emulator", "workerd")
FORMATS = ("new", "old", "dual")
QUEUE_KEY, ADMIN_KEY = "CONTRACT_QUEUE_KEY", "CONTRACT_ADMIN_KEY"
KV_TOKEN, KV_ACCOUNT, KV_NAMESPACE = "CONTRACT_KV_TOKEN", "CONTRACT_KV_ACCOUNT", "CONTRACT_KV_NAMESPACE"
KV_API = "CONTRACT_KV_API"
OF_B = "_B"  # behind the name of a key: that of the second of two targets
SECRETS = (QUEUE_KEY, ADMIN_KEY, KV_TOKEN, QUEUE_KEY + OF_B, ADMIN_KEY + OF_B)
JUNIT, PAGE, HAR = "junit.xml", "report.html", "exchanges.har"
