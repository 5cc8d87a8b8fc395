//! exporters of Eunomia.
