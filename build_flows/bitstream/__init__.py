"""Bitstreams: FINN+'s Zynq flow up to the vendor's call, as a build kit; and what comes back, checked."""
