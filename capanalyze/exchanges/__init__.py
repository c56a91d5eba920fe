"""Messages in, exchanges out, as rows of numbers: the rules are stages (`buffers`), so that any capture is paired.

`arrival` brings messages into order (`dating`), `engine` drives the rules: `settle` has one for each role of a
message, `answers` finds what it answers, `effects` changes exchanges, `ring` holds the open ones, `repeats` knows
copies and fragments, `out` takes settled ones out. `row` says what stands where in an exchange, `table` in the
other buffers; `batch` and `pair` put rows into words.
"""
