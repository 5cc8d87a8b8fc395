//! Attributes of the resource that every series has as labels.

use eunomia_core::signal::Signal;

use super::{NOW, in_container, page, render, shows};
use crate::prometheus::config::{PrometheusConfig, ResourceConstantLabels};
use crate::support;

/// What is included and not excluded is a label: the machine's attributes of every series, a
/// container's of its metrics. Event counts have what `labels` says of the container, and
/// `target_info` has the whole machine anyway.
#[test]
fn attributes_of_the_resource_can_be_labels() {
    let host = r#"host_arch="amd64",host_id="8d1c2e",host_name="node-1""#;
    let id = r#"container_id="4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66""#;
    let runtime = r#"container_runtime_name="docker""#;
    let name = r#"host_name="node-1""#;
    let os = r#"os_type="linux""#;
    // Labels of all series, between those of a container's metrics.
    for (included, excluded, container, machine) in [
        (&[][..], &[][..], &[][..], &[][..]),
        (&["host.*"], &[], &[], &[host]),
        (&["host.name"], &[], &[], &[name]),
        (&["h?st.n*"], &[], &[], &[name]),
        (&["host"], &[], &[], &[]),
        (&["container.*"], &[], &[id, runtime], &[]),
        (&["*.name"], &["service.*"], &[runtime], &[name]),
        (&["host.*"], &["host.id", "host.arch"], &[], &[name]),
        (&["container.*"], &["container.id"], &[runtime], &[]),
        (&[], &["service.*"], &[id, runtime], &[host, os]),
        (
            &[],
            &["service.*", "container.id", "host.*"],
            &[runtime],
            &[os],
        ),
        (&[], &["*"], &[], &[]),
        (&["*"], &["*"], &[], &[]),
    ] {
        let owned = |patterns: &[&str]| patterns.iter().map(|one| (*one).to_owned()).collect();
        let page = page(&PrometheusConfig {
            resource_constant_labels: ResourceConstantLabels {
                included: owned(included),
                excluded: owned(excluded),
            },
            ..PrometheusConfig::default()
        });
        page.update(&Signal::Metrics(support::metrics()), NOW);
        page.update(&in_container("web"), NOW);
        let device = [r#"system_device="vda""#];
        let labels = |parts: &[&[&str]]| parts.concat().join(",");
        let counts = [r#"container_name="web""#, r#"event="file.open""#];
        for (series, labels, value) in [
            (
                "eunomia_disk_io_bytes_total",
                labels(&[container, machine, &device]),
                "4096",
            ),
            ("eunomia_disk_queue", labels(&[machine, &device]), "-1"),
            ("eunomia_events_total", labels(&[&counts, machine]), "1"),
        ] {
            shows(&page, &format!("{series}{{{labels}}} {value}"));
        }
        let text = render(&page);
        let target = text.lines().find(|line| line.starts_with("target_info{"));
        let has = |label: &&str| target.is_some_and(|line| line.contains(label));
        assert!([host, os].iter().all(has), "{text}");
    }
}
