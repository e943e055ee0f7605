"""A door for other assistants: the Model Context Protocol over the verbs of the engine. Knows no shop's tables."""
