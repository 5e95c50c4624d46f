"""The policies: what is read from HOME/policies, checked, evaluated and explained.

Nothing here touches data. `load` reads the four files and returns `Policies` or
every fault at once; `evaluate` decides, without I/O; the step `authorise` turns
decisions into the `Grant` that the later steps need.
"""
