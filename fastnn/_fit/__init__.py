"""A fit: from parameters and data to a trained network."""
