//! The server's side of the machine: the `louan` executable, its commands and its service.
//!
//! Everything goes through the command line an operator has. A variable of the environment
//! that would point the program at somebody's real installation is not handed on.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use louan_schema::time::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::folder::Folder;
use super::{Step, Trouble};

/// Variables that belong to the program's configuration begin with this.
const PREFIX: &str = "LOUAN__";

/// An installation on this machine (演示用的办公端).
#[derive(Debug)]
pub struct Office {
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    tls: PathBuf,
    address: SocketAddr,
}

/// The service while it runs; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    logged: tokio::task::JoinHandle<()>,
}

impl Office {
    /// Finds the executable beside this one and writes a configuration into the folder.
    ///
    /// # Errors
    /// [`Trouble`] when there is no executable or the configuration cannot be written.
    pub fn furnish(folder: &Folder, address: SocketAddr) -> Step<Self> {
        let own = std::env::current_exe().map_err(|e| Trouble::odd(format!("找不到程序自身：{e}")))?;
        let program = own.with_file_name(format!("louan{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            let what = format!("没有服务端程序 {}", program.display());
            let next =
                "请用 make demo 启动演示，它会先编译；或先运行 cargo build -p louan-server --bin louan。";
            return Err(Trouble::new(what, next));
        }
        let office = Self {
            program,
            config: folder.at("config.toml"),
            log: folder.at("server.log"),
            tls: folder.at("tls"),
            address,
        };
        fs::write(&office.config, office.configuration(folder))
            .map_err(|e| Trouble::odd(format!("不能写入 {}：{e}", office.config.display())))?;
        Ok(office)
    }

    fn configuration(&self, folder: &Folder) -> String {
        format!(
            "# Of `make demo`. One machine plays 63 phones and all offices within a minute, so what\n\
             # one address, one phone and one desk may ask for is raised; everything else is as delivered.\n\
             [edge]\nlisten = \"{}\"\ncertificate = {:?}\nkey = {:?}\n\n\
             [limits]\nconnections_per_peer = 500\nsync_per_minute = 6000\nsign_in_per_minute = 6000\n\
             commands_per_minute = 60000\nreads_per_minute = 60000\n\n\
             [store]\npath = {:?}\n",
            self.address,
            self.tls.join("server.pem"),
            self.tls.join("server.key"),
            folder.at("server.sqlite"),
        )
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Makes a root of one's own and the server's certificate; the root, for phones to trust.
    ///
    /// # Errors
    /// [`Trouble`] with what the program said.
    pub async fn make_certificate(&self) -> Step<Vec<u8>> {
        let ip = self.address.ip().to_string();
        let folder = self.tls.display().to_string();
        self.run(&["tls", "init", "--dir", &folder, "--ip", &ip, "--name", "localhost"]).await?;
        fs::read(self.tls.join("root.pem")).map_err(|e| Trouble::odd(format!("读不到刚生成的证书: {e}")))
    }

    /// Runs a command of the program; what it printed.
    ///
    /// # Errors
    /// [`Trouble`] with what the program said.
    pub async fn run(&self, words: &[&str]) -> Step<String> {
        let output = self.command().args(words).stdin(Stdio::null()).output().await;
        let output = output.map_err(|e| Trouble::odd(format!("不能运行 louan: {e}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Trouble::odd(format!("louan {} 没有成功: {}", words.join(" "), said.trim())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts the service with its business clock at `now`, and waits until it listens.
    ///
    /// # Errors
    /// [`Trouble`] with what the program said when it ended instead.
    pub async fn serve(&self, now: Timestamp) -> Step<Running> {
        let mut child = self
            .command()
            .arg("serve")
            .env("LOUAN__CLOCK__BUSINESS_NOW", now.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| Trouble::odd(format!("不能启动服务端: {e}")))?;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Trouble::odd("服务端没有输出"));
        };
        let log = tokio::fs::File::options().create(true).append(true).open(&self.log).await;
        let mut log = log.map_err(|e| Trouble::odd(format!("不能写入 {}: {e}", self.log.display())))?;
        let mut lines = BufReader::new(output).lines();
        let mut listens = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = log.write_all(format!("{line}\n").as_bytes()).await;
            if says_listening(&line) {
                listens = true;
                break;
            }
        }
        if !listens {
            let mut said = String::new();
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                said.push_str(&line);
                said.push('\n');
            }
            return Err(Trouble::odd(format!("服务端没有启动: {}", said.trim())));
        }
        // The service would wait for a reader once the pipe is full.
        let logged = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = log.write_all(format!("{line}\n").as_bytes()).await;
            }
            let _ = log.flush().await;
        });
        Ok(Running { child, logged })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.config);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(PREFIX) {
                command.env_remove(name);
            }
        }
        command
    }
}

fn says_listening(line: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line["message"] == "listening")
}

impl Running {
    /// Tells the service to stop, as an operator would, and waits for its good end.
    ///
    /// # Errors
    /// [`Trouble`] when it did not end well.
    pub async fn stop(mut self) -> Step<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // Gone already, by the same key press that ends this program: then the wait below says how.
            let _ = kill_process(id, Signal::TERM);
        }
        let status = self.child.wait().await.map_err(|e| Trouble::odd(format!("服务端: {e}")))?;
        let _ = self.logged.await;
        if status.success() {
            Ok(())
        } else {
            Err(Trouble::odd(format!("服务端没有正常结束: {status}")))
        }
    }

    /// Waits until the service ends by itself, which it should not.
    pub async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_about_listening_is_taken_for_it() {
        assert!(says_listening(r#"{"level":"INFO","message":"listening","address":"127.0.0.1:1"}"#));
        assert!(!says_listening(r#"{"message":"stopped"}"#) && !says_listening("listening"));
    }

    #[test]
    fn the_configuration_of_the_demonstration_has_no_fault() {
        let outer = tempfile::tempdir().expect("a folder");
        let (folder, _) = Folder::take(&outer.path().join("演示 \"1\"")).expect("a folder");
        let office = Office {
            program: PathBuf::new(),
            config: folder.at("config.toml"),
            log: folder.at("server.log"),
            tls: folder.at("tls"),
            address: ([127, 0, 0, 1], 8443).into(),
        };
        let file = Some((office.config.clone(), office.configuration(&folder)));
        let sources = louan_server::config::Sources { file, ..Default::default() };
        let config = louan_server::config::Config::load(&sources).expect("no fault");
        assert_eq!(config.store.path, folder.at("server.sqlite"), "quotes and Chinese in a path stay");
    }
}
