"""Messages in, exchanges out, as rows of numbers: the rules are in the core, this drives them.

`arrival` has messages dated and brought into order, `engine` has them paired, `held` keeps rows until all is known.
`row` says what stands where in a row, `batch` and `pair` put rows into words.

In `core`, `pair.pxd` decides which rule a message is for; `pairing.pxd` names what the rules share, `exchange.pxd` is
the table of open exchanges. `reference/pairing.py` has the same rules in plain Python.
"""
