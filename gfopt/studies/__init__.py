"""What the commands tune, compare, reproduce, bench and check do, a folder for each."""
