"""The thing that is tested: its address and keys, started here or reached, its KV and its clock."""
