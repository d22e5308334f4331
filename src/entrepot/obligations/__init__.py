"""What is owed and by when."""
