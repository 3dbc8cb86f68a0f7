"""The real GPIO path under a user-mode kernel with a simulated chip: ``build_kernel.sh`` builds it once."""
