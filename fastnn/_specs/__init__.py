"""Specs: small dataclasses that say what to train."""
