"""Talks with shoppers: understand, track, act, find, answer. Does not know HTTP or terminals."""
