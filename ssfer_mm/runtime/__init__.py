"""Settings of the process: devices, memory, garbage collection."""
