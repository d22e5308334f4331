"""All simulators behind one switch: scenarios, faults, clocks and books."""
