"""Quality: what was said, judged. Scorers for single texts, turns and dialogues; acts; rules."""
