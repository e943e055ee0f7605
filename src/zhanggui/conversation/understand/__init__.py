"""Three ways to understand an utterance: rules and a dictionary, an encoder, a language model. Keeps no conversation."""
