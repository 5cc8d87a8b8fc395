//! receivers of Eunomia.
