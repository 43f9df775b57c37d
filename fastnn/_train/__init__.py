"""Training of a network, epoch by epoch."""
