"""Folder on the path of processes under libfaketime, for its ``sitecustomize``."""
