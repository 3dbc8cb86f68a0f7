"""The technician's commands, one file for each group of the command line."""
