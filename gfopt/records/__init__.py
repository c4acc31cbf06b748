"""What a run leaves on disk: its record, its history and its weights. No torch here."""
