"""Exchanges summed up as they come."""
