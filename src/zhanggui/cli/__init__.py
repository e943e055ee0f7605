"""The command line: parse, one Engine method, render. Decides nothing."""
