"""Bundle: the only thing that crosses from the training half to the serving half."""
