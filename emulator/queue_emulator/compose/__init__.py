"""From settings to the running whole: the emulator of `serve`, and the one of `run` with a tool in it."""
