"""Judged exchanges summed up in memory that does not grow with the capture: a cell per mode, zone and service.

`fold` adds rows to the cells: `cells` counts, `details` keeps what a finding shows besides (exemplars, round-trip
times, bins of time, what to decode), `turns` where outcomes flipped. `layout` says what stands where. `store` holds
the buffers and makes room, `tell` makes findings of them.
"""
