"""The explorer: which order of requests and operations breaks what a queue's users rely on."""
