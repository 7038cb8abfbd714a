"""The site file `callhandler.toml`: its models, reading it with good errors, linting it, and making a new one."""
