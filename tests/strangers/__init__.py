"""Another merchant's people and machines walk the whole hub and find nothing of the first's."""
