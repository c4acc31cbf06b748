"""What of each published claim stands: claims as data, evidence from runs, verdicts, a document."""
