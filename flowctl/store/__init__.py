"""What is kept of runs on disk, so that nothing is lost whenever a process or the power ends."""
