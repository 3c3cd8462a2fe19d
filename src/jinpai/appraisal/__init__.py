"""What is done with the figures of a workspace: scores, what-if, locked periods, grades."""
