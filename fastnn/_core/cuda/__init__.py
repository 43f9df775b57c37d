"""The CUDA engine; see ``engine.py``."""
