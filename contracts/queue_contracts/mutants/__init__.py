"""Deliberately broken Workers: each must be caught by the check that is named for it."""
