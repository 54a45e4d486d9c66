"""What comes of a run, said to people and to programs."""
