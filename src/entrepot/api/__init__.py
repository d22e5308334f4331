"""The REST interface and the documented drop-in interfaces."""
