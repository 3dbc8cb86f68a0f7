"""Speed and size of the runtime modules, each compared with a floor measured in the same run. See README.md."""
