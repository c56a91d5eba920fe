"""The rules of pairing over rows of numbers, plain or compiled; `exchanges` is what they are compared with.

`settle` holds the rules, `answers` which open request a message may answer, `effects` what it does to one,
`repeats` knows copies and fragments. Rows are described in `row` and `table`, and lie in a `ring`; `engine`
holds the buffers, and a `batch` of settled rows is put into words at the end.
"""
