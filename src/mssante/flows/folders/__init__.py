"""What a signed-in reader does with folders and messages, whatever the door."""
