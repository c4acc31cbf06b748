"""Arrays in, arrays out: random streams, noise, cosines, compiled kernels."""
