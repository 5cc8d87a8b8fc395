//! Who can be asked for health and buckets.

use super::delivery::config;
use crate::influxdb::admin::Admin;

/// Plain HTTP to a host alone; what is no address of one is none here either, where the crate
/// that asks would panic.
#[test]
fn a_plain_host_can_be_asked() {
    for (endpoint, can_be) in [
        ("http://127.0.0.1:8086", true),
        ("http://[::1]:8086/", true),
        ("http://influx_db", true),
        ("http://1.2.3.999:8086", false),
        ("http://1.2.3.4.5:8086", false),
        ("http://[1::2::3]:8086", false),
        ("http://xn--a:8086", false),
        ("http://127.0.0.1:8086/below", false),
        ("https://127.0.0.1:8086", false),
        ("unix:///run/influxdb.sock", false),
    ] {
        let admin = Admin::new(&config(endpoint));
        assert_eq!(admin.is_some(), can_be, "{endpoint}");
    }
}
