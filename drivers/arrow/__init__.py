"""Arrow drivers: readers and writers of the tags inside arrows."""
