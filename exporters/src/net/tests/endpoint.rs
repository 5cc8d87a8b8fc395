//! What is an address, and where it leads.

use std::path::Path;

use crate::net::Endpoint;
use crate::net::endpoint::Place;

fn tcp(host: &str, port: u16) -> Place {
    let host = host.into();
    Place::Tcp { host, port }
}

fn tls(host: &str, port: u16) -> Place {
    let host = host.into();
    Place::Tls { host, port }
}

/// Schemes, ports that go without saying, and paths.
#[test]
fn addresses_are_read() {
    let unix = Place::Unix(Path::new("/run/otlp.sock").into());
    for (text, place, path, at) in [
        ("http://a:1", tcp("a", 1), "", "http://a:1/x"),
        ("http://a", tcp("a", 80), "", "http://a/x"),
        ("https://a", tls("a", 443), "", "https://a/x"),
        ("http://[::1]:2/b/", tcp("::1", 2), "/b", "http://[::1]:2/x"),
        ("https://a:3/b/c", tls("a", 3), "/b/c", "https://a:3/x"),
        ("unix:///run/otlp.sock", unix, "", "http://localhost/x"),
    ] {
        let endpoint = Endpoint::parse(text).unwrap();
        assert_eq!((&endpoint.place, endpoint.path()), (&place, path), "{text}");
        assert_eq!(endpoint.at("/x").to_string(), at);
    }
}

/// What is no address of a peer.
#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "a:1",
        "127.0.0.1:4317",
        "ftp://a:1",
        "unix:/x",
        "unix://x",
        "http://",
        "http:///b",
        "http://a:99999",
        "http://u:p@a:1",
        "http://1.2.3.999:1",
        "http://1.2.3.4.5",
        "http://collector.1:4317",
        "https://0x1.2.3.4.5:1",
        "http://[1::2::3]:1",
        "http://[::1%25lo]:1",
        "http://xn--a:1",
        "http://a:1/?b=c",
        "/a",
    ] {
        assert_eq!(Endpoint::parse(text), None, "{text}");
    }
}
