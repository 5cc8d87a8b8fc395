//! Certificates that trust each other, and a token.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::{Error, Result};

/// What a server on 127.0.0.1 and its client show each other.
#[derive(Debug)]
pub(super) struct Credentials {
    folder: PathBuf,
}

/// Makes an authority, and a certificate of each side signed by it.
const SCRIPT: &str = "
    set -e
    key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    openssl req -x509 $key -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
    printf 'subjectAltName=IP:127.0.0.1' > names
    for side in server client; do
        openssl req $key -subj /CN=$side -keyout $side.key -out $side.csr
        openssl x509 -req -in $side.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile names -out $side.pem
    done
    printf secret > token";

impl Credentials {
    /// Makes new ones in a folder below `folder`.
    pub(super) fn make(folder: &Path) -> Result<Self> {
        let folder = folder.join("credentials");
        fs::create_dir(&folder).map_err(Error::io("create", &folder))?;
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).current_dir(&folder);
        let output = command.output().map_err(Error::io("start", "sh"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::program("openssl", said));
        }
        Ok(Self { folder })
    }

    pub(super) fn token_file(&self) -> PathBuf {
        self.folder.join("token")
    }

    /// Settings of a Collector's listener.
    pub(super) fn of_server(&self) -> Value {
        let file = |name| self.folder.join(name);
        json!({
            "cert_file": file("server.pem"),
            "key_file": file("server.key"),
            "client_ca_file": file("ca.pem"),
        })
    }

    /// Settings of our exporter.
    pub(super) fn of_client(&self) -> Value {
        let file = |name| self.folder.join(name);
        json!({
            "bearer_token_file": self.token_file(),
            "tls": {
                "ca_file": file("ca.pem"),
                "cert_file": file("client.pem"),
                "key_file": file("client.key"),
            },
        })
    }
}
