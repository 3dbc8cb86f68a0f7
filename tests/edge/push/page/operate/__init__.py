"""Each thing that an operator does on the page, in a real browser, with the database checked after."""
