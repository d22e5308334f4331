"""What every platform promises; runs for each folder in connectors by its capabilities.

A test takes `platform`; its module says by `CAPABILITY` which platforms it is for. What only a
platform knows (a valid product, a signed delivery) its `simulator.py` offers as module functions;
`examples.py` lists them by capability. A folder that lacks one fails one test by name and is
skipped in those that need it.
"""
