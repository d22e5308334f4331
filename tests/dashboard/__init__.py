"""The operator's pages, asked over HTTP."""
