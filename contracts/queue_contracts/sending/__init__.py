"""What a run may send, how fast, and who has to let it through; what was sent is written down."""
