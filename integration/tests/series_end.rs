//! A container ends, and its series with it.

use eunomia_integration::{
    Account, Container, Naming, Pipeline, Scratch, free_port, get, object, until,
};
use serde_json::json;

/// Event counts and points of a container are shown when it has ended, and are gone a little later;
/// those of another one stay.
#[test]
fn series_of_a_container_end_with_it() {
    let scratch = Scratch::new("series-end").unwrap();
    let probe = scratch.write("by_cgroup.bpf.o", object("by_cgroup", &[]).unwrap());
    let page = free_port().unwrap();
    let [ended, other] = [(); 2].map(|()| Container::new(Naming::Docker).unwrap());
    let ids = [ended.id(), other.id()].map(str::to_owned);
    let configuration = json!({
        "version": 1,
        "receivers": { "ebpf": {
            "probes": { "process": {}, "mine": { "object": probe.unwrap() } },
            "filter": { "container": ids },
            "metrics_interval": "500ms",
        } },
        "processors": { "container": {} },
        "exporters": { "prometheus": {
            "endpoint": format!("127.0.0.1:{page}"),
            "labels": ["event", "container.id"],
            "container_expiration": "10s",
        } },
        "service": { "pipelines": { "events": {
            "receivers": ["ebpf"], "processors": ["container"], "exporters": ["prometheus"],
        } } },
    });
    let pipeline = Pipeline::start(&configuration.to_string(), &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    for container in [&ended, &other] {
        let status = container
            .command("sh")
            .args(["-c", "cd /tmp; exit 5"])
            .status();
        assert_eq!(status.unwrap().code(), Some(5));
    }
    let [ended_id, other_id] = &ids;
    let series = |id: &str| {
        let page = get(page, "/metrics").unwrap();
        let of_id = |name: &str| {
            page.lines()
                .any(|line| line.starts_with(name) && line.contains(id))
        };
        ["eunomia_events_total", "test_chdir_calls_total"].map(of_id)
    };
    let wait = |what: &str, id: &str, expected: bool| {
        until(what, || Ok((series(id) == [expected; 2]).then_some(()))).unwrap();
    };
    wait("the series of one", ended_id, true);
    wait("the series of the other", other_id, true);
    drop(ended);
    assert_eq!(
        series(ended_id),
        [true; 2],
        "what came last is to be scraped"
    );
    wait("the end of its series", ended_id, false);
    assert_eq!(series(other_id), [true; 2]);
    let finished = pipeline.stop().unwrap();
    assert!(finished.accounts().iter().all(Account::holds));
}
