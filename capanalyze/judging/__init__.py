"""Outcomes held against promises, row by row: direction, mode, zone, silence and verdict of every exchange.

`core/judge.pxd` judges; `setting` is what it is told of modes, zones and captures, `judge` the `Judge`, which hands
rows over. The tables of outcome and promise are in `verdicts`.
"""
