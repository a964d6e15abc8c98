//! What holds for any source: the bodies of property tests and of fuzz targets.
