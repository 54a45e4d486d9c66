"""One run in pytest: its options, its checks, its end."""
