"""Specs: small dataclasses that configure a network and its training."""
