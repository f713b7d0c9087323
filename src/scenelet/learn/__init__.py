"""Learn: from manifest rows to a run folder with checkpoints. The only room that trains."""
