//! Disks made by hand, for tests and fuzzing.
