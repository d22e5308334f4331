"""What each page reads, across rooms; nothing here changes a row."""
