"""The technician's commands, one file per group of the command line; imported when a command is called."""
