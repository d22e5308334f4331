"""Direct: orders that a person types in, a CSV file brings, or a program hands over."""
