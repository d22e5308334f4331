"""What customers bought, in canonical form: orders, lines, holds, notes, tags."""
