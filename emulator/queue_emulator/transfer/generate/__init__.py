"""Made data: the same command gives the same bytes."""
