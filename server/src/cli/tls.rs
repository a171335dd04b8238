//! `louan tls`: looks at the certificate, makes a root of one's own, renews the server's certificate.
//!
//! For a network without a public authority. Keys are readable by their owner only. `init` overwrites nothing; `renew`
//! leaves the root as it is, which phones and computers trust, and replaces what it has signed. The root's key is needed
//! for that once a year and belongs offline in between.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use louan_schema::time::Day;

use super::authority::{AuthorityError, Pair, SERVER_DAYS, found, names, sign};
use super::failure::Failure;
use super::say;
use crate::app::AppError;
use crate::clock::{Clock, MachineClock};
use crate::config::{Config, TlsMode};
use crate::edge::{Validity, tls_config, validity};

/// What a certificate is renewed in spite of: nothing that is in use was touched.
const IN_USE: &str = "未作任何改动，原证书继续使用。";
/// What a root that is of no use any more costs.
const ANOTHER_ROOT: &str =
    "请用 louan tls init 在另一目录另建根证书，先把新的 root.pem 装到所有手机和电脑上，再换用新证书。";

/// Says whether certificate and key can be used, before a running server is told to read them again.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let edge = &config.edge;
    if edge.tls == TlsMode::Off {
        return say("本程序不提供 TLS（edge.tls = \"off\"），证书由前置代理管理。");
    }
    tls_config(&edge.certificate, &edge.key).map_err(AppError::Tls)?;
    let Validity { from, until } = validity(&edge.certificate).map_err(AppError::Tls)?;
    let now = MachineClock::new(None).system();
    if now < from || now >= until {
        let what = format!("证书只在 {from} 至 {until} 之间有效");
        return Err(Failure::refused(&what, "未作任何改动。请检查系统时钟，或换上有效的证书。"));
    }
    say(&format!("证书与私钥可以使用：{}，有效至 {until}。", edge.certificate.display()))
}

pub(super) fn init(dir: &Path, name: &[String], ip: &[IpAddr]) -> Result<(), Failure> {
    let names = called(name, ip);
    if names.is_empty() {
        return Err(Failure::refused(
            "没有给出服务器的域名或地址",
            "未作任何改动。请用 --name 或 --ip 给出至少一个。",
        ));
    }
    let unmade = |e: &AuthorityError| Failure::new("无法生成证书", e, "未作任何改动。请检查域名后重试。");
    let today = today();
    let root = found(today).map_err(|e| unmade(&e.into()))?;
    let (server, _) = sign(&root, names, today).map_err(|e| unmade(&e))?;
    let files = [
        ("root.pem", &root.certificate, 0o644),
        ("root.key", &root.key, 0o600),
        ("server.pem", &server.certificate, 0o644),
        ("server.key", &server.key, 0o600),
    ];
    if let Some((taken, _, _)) = files.iter().find(|(name, _, _)| dir.join(name).exists()) {
        let what = format!("{} 已存在", dir.join(taken).display());
        let next =
            "未作任何改动。重新签发服务器证书请用 louan tls renew；另建根证书请另选目录，或先移走旧文件。";
        return Err(Failure::refused(&what, next));
    }
    let unwritten = |e: &std::io::Error| {
        Failure::new("无法写入证书文件", e, "数据未作任何改动。请检查目录权限，删除不完整的文件后重试。")
    };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| unwritten(&e))?;
    for (name, text, mode) in &files {
        write_new(&dir.join(name), text, *mode).map_err(|e| unwritten(&e))?;
    }
    say(&format!(
        "证书已生成：{0}/server.pem、{0}/server.key（有效 {SERVER_DAYS} 天）。\n\
         请把 {0}/root.pem 装到手机和电脑上，把 {0}/root.key 移到离线处保管：到期前用它重新签发（louan tls renew）。",
        dir.display()
    ))
}

/// Signs a new server certificate with the root that is there; for the same names, unless others are given.
pub(super) fn renew(dir: &Path, name: &[String], ip: &[IpAddr]) -> Result<(), Failure> {
    renewed(dir, called(name, ip), today()).and_then(|lines| lines.iter().try_for_each(|line| say(line)))
}

fn renewed(dir: &Path, mut given: Vec<String>, today: Day) -> Result<Vec<String>, Failure> {
    let root = Pair { certificate: root_file(dir, "root.pem")?, key: root_file(dir, "root.key")? };
    if given.is_empty() {
        let path = dir.join("server.pem");
        given = std::fs::read(&path).ok().and_then(|text| names(&text).ok()).unwrap_or_default();
        if given.is_empty() {
            let what = format!("没有给出服务器的域名或地址，{} 中也没有", path.display());
            return Err(Failure::refused(&what, &format!("{IN_USE}请用 --name 或 --ip 给出至少一个。")));
        }
    }
    let whose = given.join("、");
    let (server, until) = sign(&root, given, today).map_err(|e| unsigned(&e))?;
    replace(dir, &server).map_err(|e| {
        let next = "正在运行的服务继续使用原证书，数据未受影响。请检查目录权限和磁盘空间后重新执行。";
        Failure::new("无法写入证书文件", &e, next)
    })?;
    let mut lines = vec![format!(
        "已用原根证书重新签发 {0}/server.pem、{0}/server.key：{whose}，有效至 {until}。手机和电脑不用重新安装根证书。",
        dir.display()
    )];
    if until < today.plus_days(SERVER_DAYS - 1) {
        lines.push(format!("注意：根证书也在 {until} 到期。在此之前，{ANOTHER_ROOT}"));
    }
    lines.push(format!(
        "请执行 systemctl reload louan 启用，再把 {}/root.key 移回离线处保管。",
        dir.display()
    ));
    Ok(lines)
}

/// A half of the root.
fn root_file(dir: &Path, name: &str) -> Result<String, Failure> {
    let path = dir.join(name);
    std::fs::read_to_string(&path).map_err(|e| {
        let (what, next) = match (e.kind(), name) {
            (ErrorKind::NotFound, "root.key") => (
                format!("没有根证书的私钥 {}", path.display()),
                format!("请把离线保管的 root.key 放回该目录后重试，完成后再移走。如已遗失，{ANOTHER_ROOT}"),
            ),
            (ErrorKind::NotFound, _) => (
                format!("没有根证书 {}", path.display()),
                "请用 --dir 指明当初 louan tls init 生成证书的目录，并把 root.pem 和 root.key 放在其中。"
                    .to_owned(),
            ),
            _ => (format!("无法读取 {}", path.display()), "请检查文件权限后重试。".to_owned()),
        };
        Failure::new(&what, &e, &format!("{IN_USE}{next}"))
    })
}

fn unsigned(error: &AuthorityError) -> Failure {
    let (what, next) = match error {
        AuthorityError::Certificate => {
            ("root.pem 不是证书".to_owned(), "请换回 louan tls init 生成的 root.pem。".to_owned())
        }
        AuthorityError::OtherKey => (
            "root.key 与 root.pem 不是一对".to_owned(),
            "请换上与 root.pem 同时生成的 root.key；手机信任的是 root.pem，不要另换一个。".to_owned(),
        ),
        AuthorityError::Ends(day) => {
            (format!("根证书到 {day} 为止，已不能再签发新证书"), ANOTHER_ROOT.to_owned())
        }
        AuthorityError::Sign(_) => {
            ("无法签发证书".to_owned(), "请检查 root.key 是否完整、域名是否正确后重试。".to_owned())
        }
        AuthorityError::Refused(_) => (
            "签出的证书不会被信任 root.pem 的手机接受".to_owned(),
            "请检查域名，并确认 root.pem 是 louan tls init 生成的。".to_owned(),
        ),
    };
    Failure::new(&what, error, &format!("{IN_USE}{next}"))
}

/// Puts certificate and key in the place of the old ones, each in one stroke and only when both are on the disk. Who is
/// cut off between the two leaves a pair that does not fit: a server that runs refuses to read it, and the same command
/// again mends it.
fn replace(dir: &Path, server: &Pair) -> std::io::Result<()> {
    let files = [("server.key", &server.key, 0o600), ("server.pem", &server.certificate, 0o644)];
    let fresh = |name: &str| dir.join(format!("{name}.new"));
    for (name, text, mode) in files {
        match std::fs::remove_file(fresh(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => write_new(&fresh(name), text, mode)?,
        }
        // Whoever runs this, the server goes on reading what was its own.
        let before = std::fs::metadata(dir.join(name)).or_else(|_| std::fs::metadata(dir))?;
        std::os::unix::fs::chown(fresh(name), Some(before.uid()), Some(before.gid()))?;
        std::fs::set_permissions(fresh(name), std::fs::Permissions::from_mode(mode))?;
    }
    files.iter().try_for_each(|(name, ..)| std::fs::rename(fresh(name), dir.join(name)))?;
    File::open(dir)?.sync_all()
}

/// Names and addresses of a server, as given.
fn called(name: &[String], ip: &[IpAddr]) -> Vec<String> {
    name.iter().cloned().chain(ip.iter().map(ToString::to_string)).collect()
}

fn today() -> Day {
    MachineClock::new(None).system().day()
}

/// Creates a file that nobody else has opened or can read before its mode is set.
fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(dir: &Path, name: &str) -> Result<(), Failure> {
        super::init(dir, &[name.to_owned()], &[])
    }

    #[test]
    fn what_is_made_serves_at_once_and_keys_are_their_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("tls");
        init(&dir, "louan.test").expect("four files");
        tls_config(&dir.join("server.pem"), &dir.join("server.key")).expect("a pair that serves");
        for key in ["server.key", "root.key"] {
            let mode = std::fs::metadata(dir.join(key)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn nothing_that_exists_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("root.key"), "precious").expect("a file");
        assert!(init(folder.path(), "louan.test").is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join("root.key")).expect("a file"), "precious");
        assert!(!folder.path().join("root.pem").exists(), "nor half of it written");
    }

    #[test]
    fn a_server_without_a_name_gets_no_certificate() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(super::init(folder.path(), &[], &[]).is_err());
    }

    /// A folder as `init` leaves it on a day.
    fn founded(day: Day) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let root = found(day).expect("a root");
        let names = vec!["louan.test".to_owned(), "10.1.2.3".to_owned()];
        let (server, _) = sign(&root, names, day).expect("a certificate");
        for (name, text) in [
            ("root.pem", &root.certificate),
            ("root.key", &root.key),
            ("server.pem", &server.certificate),
            ("server.key", &server.key),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    /// Everything in a folder.
    fn held(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry"));
        let mut held: Vec<_> =
            entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).expect("a file"))).collect();
        held.sort();
        held
    }

    /// A day of the tests.
    fn day() -> Day {
        Day::new(2020, 3, 20).expect("a day")
    }

    #[test]
    fn a_renewed_certificate_is_for_the_same_names_and_its_key_is_its_owners_alone() {
        let folder = founded(day());
        let dir = folder.path();
        let before = held(dir);
        std::fs::write(dir.join("server.key.new"), "cut off").expect("what a cut has left");
        let later = day().plus_days(380);
        let said = renewed(dir, Vec::new(), later).expect("a certificate").concat();
        assert!(said.contains("louan.test、10.1.2.3") && said.contains("reload") && !said.contains("注意"));
        let after = held(dir);
        let kept =
            |(name, text): &(std::ffi::OsString, Vec<u8>)| after.contains(&(name.clone(), text.clone()));
        let changed: Vec<_> = before.iter().filter(|file| !kept(file)).map(|(name, _)| name).collect();
        assert_eq!(changed, ["server.key", "server.pem"], "the root stays, and nothing is left lying");
        assert_eq!(after.len(), 4);
        tls_config(&dir.join("server.pem"), &dir.join("server.key")).expect("a pair that serves");
        let until = validity(&dir.join("server.pem")).expect("a certificate").until.day();
        assert_eq!(until, later.plus_days(SERVER_DAYS - 1));
        let mode = std::fs::metadata(dir.join("server.key")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        renewed(dir, vec!["other.test".to_owned()], later).expect("a certificate");
        let text = std::fs::read(dir.join("server.pem")).expect("a file");
        assert_eq!(names(&text).expect("names"), ["other.test"]);
    }

    #[test]
    fn no_certificate_outlives_its_root() {
        let folder = founded(day());
        let (dir, ends) = (folder.path(), day().plus_days(3_649));
        let said = renewed(dir, Vec::new(), ends.plus_days(-100)).expect("a certificate").concat();
        assert!(said.contains(&format!("注意：根证书也在 {ends} 到期")), "{said}");
        assert_eq!(validity(&dir.join("server.pem")).expect("a certificate").until.day(), ends);
    }

    /// What a test does to a folder.
    type Spoil<'a> = &'a dyn Fn(&Path);

    #[test]
    fn what_cannot_be_renewed_is_said_and_the_certificate_in_use_stays() {
        let other = founded(day());
        let without = |name: &'static str| {
            move |dir: &Path| std::fs::remove_file(dir.join(name)).expect("it was there")
        };
        let (no_key, no_root, no_server) = (without("root.key"), without("root.pem"), without("server.pem"));
        let swap = |dir: &Path| {
            std::fs::copy(other.path().join("root.key"), dir.join("root.key")).expect("a copy");
        };
        let cases: [(Spoil<'_>, i32, &str, &str); 6] = [
            (&no_key, 1, "没有根证书的私钥", "放回该目录"),
            (&no_root, 1, "没有根证书 ", "--dir"),
            (&no_server, 1, "没有给出服务器的域名", "--name"),
            (&swap, 1, "不是一对", "与 root.pem 同时生成"),
            (&|_| {}, 3_640, "已不能再签发", "另建根证书"),
            (&|_| {}, 5_000, "已不能再签发", "另建根证书"),
        ];
        for (spoil, days, what, next) in cases {
            let folder = founded(day());
            spoil(folder.path());
            let before = held(folder.path());
            let said = match renewed(folder.path(), Vec::new(), day().plus_days(days)) {
                Ok(lines) => panic!("{what}: {lines:?}"),
                Err(failure) => failure.to_string(),
            };
            assert!(said.contains(what) && said.contains(IN_USE) && said.contains(next), "{said}");
            assert_eq!(held(folder.path()), before, "{what}");
        }
    }
}
