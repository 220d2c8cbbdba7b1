"""The attack lab and the isolation grid: requests that should not succeed, really sent to our own servers."""
