"""How fast each code path is on this machine, against programs as the originals were."""
