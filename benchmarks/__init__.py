"""Speed and size of the runtime modules, each against a floor measured in the same run. See README.md."""
