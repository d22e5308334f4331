"""What people can do with an order: each shows its effect before it acts."""
