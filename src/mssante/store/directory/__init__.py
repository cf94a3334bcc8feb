"""The directory: its file, made anew by each import and put in force at once, and what is asked and changed in it."""
