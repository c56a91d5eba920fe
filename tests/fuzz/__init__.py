"""Fuzzing of the compiled core: octets by chance, guided by what they reach where clang is installed.

`python -m tests.fuzz TARGET --seconds N`.
"""
