"""The compiled core: `core.core` is the module, `core.pyi` its types; the code is in the `.pxd` files beside it.

CONTRIBUTING.md lists what each of them holds.
"""
