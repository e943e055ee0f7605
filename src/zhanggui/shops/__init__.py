"""Ready-made shops to try and to test with: a bilingual sample with a known truth, a real grocer's year."""
