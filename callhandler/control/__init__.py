"""The control API on a Unix socket, its schemas, and the client that the CLI uses."""
