"""The configuration below /admin/, over HTTP: who comes in, what is read, what a dialog changes."""
