"""Tests of `capanalyze.target`."""
