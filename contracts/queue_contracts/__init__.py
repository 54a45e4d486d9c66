"""The contract: what every deployment of the Worker must answer, asked over HTTP of whatever is running."""
