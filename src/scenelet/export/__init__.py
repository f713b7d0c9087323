"""Export: from a run to a bundle. The training side of the border; serving never imports it."""
