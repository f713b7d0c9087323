"""AWS: stack, store, release and price. What is neutral to a cloud is one room up."""
