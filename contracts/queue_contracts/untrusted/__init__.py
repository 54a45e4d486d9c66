"""What comes from a server that is not ours: read to limits, its keys found and masked, shown without harm."""
