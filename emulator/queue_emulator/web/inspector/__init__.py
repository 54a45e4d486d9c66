"""The inspector: one page that shows what the emulator knows, and the controls that only it and its like need."""
