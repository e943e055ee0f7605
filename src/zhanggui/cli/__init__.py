"""The command line: parse, one verb of a part of the engine, render. Decides nothing."""
