"""The one training loop: epochs, batches, evaluations, the clock, the count of passes."""
