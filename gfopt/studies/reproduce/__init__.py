"""Judge published claims: claims as data, evidence from runs, verdicts, a report."""
