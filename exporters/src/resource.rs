//! The resource that everything from this machine is about, in OpenTelemetry's
//! words.

use eunomia_core::component::Host;

/// `service.name` of everything that comes from here.
const SERVICE: &str = "eunomia";
/// `service.version`.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The attribute with the service's name.
pub(crate) const SERVICE_NAME: &str = "service.name";
/// The attribute that tells one instance of the service from all others.
pub(crate) const SERVICE_INSTANCE_ID: &str = "service.instance.id";

/// The attributes of the host's resource; what is not known is left out.
pub fn host_attributes(host: &Host) -> impl Iterator<Item = (&'static str, &str)> {
    // One program watches a machine.
    let instance = if host.id.is_empty() {
        &host.name
    } else {
        &host.id
    };
    let pairs = [
        ("host.name", &*host.name),
        ("host.id", &*host.id),
        ("host.arch", &*host.arch),
        ("os.type", "linux"),
        (SERVICE_NAME, SERVICE),
        ("service.version", VERSION),
        (SERVICE_INSTANCE_ID, instance),
    ];
    pairs.into_iter().filter(|(_, value)| !value.is_empty())
}
