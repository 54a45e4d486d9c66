"""Pictures of what happened: pure, a history in and text out."""
