//! processors of Eunomia.
