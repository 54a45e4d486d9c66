"""What `openapi.yaml` says: its operations, and what an answer must be."""
