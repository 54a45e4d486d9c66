"""The pure rules of Workers KV: values in, values out; no I/O, no async, clock and chance handed in."""
