"""What the commands do that work beside an emulator: ask a running one, explore, replay. `cli/` reads their options."""
