//! A server process of its own: `louan serve` with TLS, its store on a rig's folder.
//!
//! As in production but for the address it listens on and the connections one address may
//! have, because every phone of a workload calls from this machine. Its log is read only for
//! where it listens.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::rig::{DATABASE, SERVER};

/// The program to be measured.
const PROGRAM: &str = "louan";
/// What the certificate is for.
const ADDRESS: &str = "127.0.0.1";
/// The folder of certificates, beside the server's, so that it is not counted as its store.
const TLS: &str = "tls";

/// A running server process; it is killed when dropped.
#[derive(Debug)]
pub struct Host {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate phones must trust, PEM.
    pub authority_pem: Vec<u8>,
    child: Child,
}

impl Host {
    /// Starts a server on a rig's folder.
    ///
    /// # Errors
    /// When there is no program beside this one, or it does not say where it listens.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let program = program()?;
        let tls = folder.join(TLS);
        let made =
            Command::new(&program).args(["tls", "init", "--ip", ADDRESS, "--dir"]).arg(&tls).output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        let mut child = Command::new(&program)
            .args(["serve", "--listen", &format!("{ADDRESS}:0"), "--store"])
            .arg(folder.join(SERVER).join(DATABASE))
            .env("LOUAN__EDGE__CERTIFICATE", tls.join("server.pem"))
            .env("LOUAN__EDGE__KEY", tls.join("server.key"))
            .env("LOUAN__LIMITS__CONNECTIONS_PER_PEER", "2000")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let address = listening(output)?;
        Ok(Self { address, authority_pem: fs::read(tls.join("root.pem"))?, child })
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    let what = format!("{} is not there; build it first, in the same profile", program.display());
    Err(io::Error::other(what))
}

/// Reads the log up to where the server listens; the rest is drained aside, or the server would wait for a reader.
fn listening(output: ChildStdout) -> io::Result<SocketAddr> {
    let mut log = BufReader::new(output);
    let mut line = String::new();
    while log.read_line(&mut line)? > 0 {
        if let Some(address) = address_in(&line) {
            std::thread::spawn(move || {
                let mut sink = [0; 4_096];
                while log.read(&mut sink).is_ok_and(|read| read > 0) {}
            });
            return Ok(address);
        }
        line.clear();
    }
    Err(io::Error::other("the server ended before it listened"))
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_it = line["message"] == "listening";
    line["address"].as_str().filter(|_| is_it)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_stands_in_one_line_of_the_log() {
        let line = r#"{"level":"INFO","message":"listening","address":"127.0.0.1:4711","scheme":"https"}"#;
        assert_eq!(address_in(line), Some(SocketAddr::from(([127, 0, 0, 1], 4711))));
        assert_eq!(address_in(r#"{"message":"other","address":"127.0.0.1:1"}"#), None);
        assert_eq!(address_in("no JSON"), None);
    }
}
