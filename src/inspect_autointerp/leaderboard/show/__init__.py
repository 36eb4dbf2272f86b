"""`Results` as tables, files and a web page."""
