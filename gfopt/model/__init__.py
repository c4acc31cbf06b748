"""What is trained: the dense network, losses, activations, initializers."""
