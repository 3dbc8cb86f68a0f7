"""The freETarget protocol: ``target.freetarget``, an acoustic target of firmware 3, 4 or 6."""
