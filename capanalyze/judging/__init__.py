"""Outcomes held against promises, row by row: direction, mode, zone, silence and verdict of every exchange.

`decide` holds the stages, `setting` what they are told of modes, zones and captures (`layout` says where it stands),
`judge` the `Judge`, which drives them. Design section 5 has the tables.
"""
