"""Words and wiring only: the command line, and the daemons' entry points. The work is done in the other packages."""
