"""Acts: what a message does, told by patterns (agent.yaml, buyer.yaml)."""
