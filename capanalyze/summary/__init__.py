"""Judged exchanges summed up in memory that does not grow with the capture: a cell per mode, zone and service.

`core/summary.pxd` adds rows to the cells. `cells.pxd` counts; `waiting.pxd` holds the first exchanges of a finding in
order; `details.pxd` and `times.pxd` keep what a finding shows besides (exemplars, round-trip times, bins of time, what
to decode), `turns.pxd` where outcomes flipped, `sent.pxd` what the target sent in between; `sums.pxd` has their
records. `store` is what Python sees of them, `tell` makes findings of it, with `flips` and `times`.
"""
