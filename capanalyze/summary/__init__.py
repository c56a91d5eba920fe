"""Judged exchanges summed up in memory that does not grow with the capture: a cell per mode, zone and service.

`core/summary.pxd` adds rows to the cells: `cells.pxd` counts, `details.pxd` and `times.pxd` keep what a finding shows
besides (exemplars, round-trip times, bins of time, what to decode), `turns.pxd` where outcomes flipped; `sums.pxd` has
their records. `store` is what Python sees of them, `tell` makes findings of it.
"""
