"""Records in, messages out, and an account of every frame.

`messages` drives the core's scan; `message` says what stands where in a message, `scan` in what the scan keeps. `steps`
numbers why the walk through a frame ends, `buckets` names it, `link_names` names link types. The walk itself is in the
core: `link.pxd` and its kin, `network.pxd`, `tunnel.pxd`, `transport.pxd`.
"""
