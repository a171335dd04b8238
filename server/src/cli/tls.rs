//! `louan tls init`: a root of one's own and a certificate for the server.
//!
//! For a network without a public authority. Keys are readable by their owner only; nothing that
//! exists is overwritten. The root's key is needed again for the next server certificate and belongs offline.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use louan_schema::time::Day;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::failure::Failure;
use super::say;
use crate::app::AppError;
use crate::clock::{Clock, MachineClock};
use crate::config::{Config, TlsMode};
use crate::edge::{Validity, tls_config, validity};

/// Ten years: phones carry the root.
const ROOT_DAYS: i32 = 3_650;
/// What browsers accept at most.
const SERVER_DAYS: i32 = 397;

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
    let names: Vec<String> = name.iter().cloned().chain(ip.iter().map(ToString::to_string)).collect();
    if names.is_empty() {
        return Err(Failure::refused(
            "没有给出服务器的域名或地址",
            "未作任何改动。请用 --name 或 --ip 给出至少一个。",
        ));
    }
    let today = MachineClock::new(None).system().day();
    let files = issue(names, today)
        .map_err(|e| Failure::new("无法生成证书", &e, "未作任何改动。请检查域名后重试。"))?;
    if let Some((taken, _, _)) = files.iter().find(|(name, _, _)| dir.join(name).exists()) {
        let what = format!("{} 已存在", dir.join(taken).display());
        return Err(Failure::refused(&what, "未作任何改动。请另选目录，或先移走旧文件。"));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| unwritten(&e))?;
    for (name, text, mode) in &files {
        write_new(&dir.join(name), text, *mode).map_err(|e| unwritten(&e))?;
    }
    say(&format!(
        "证书已生成：{0}/server.pem、{0}/server.key（有效 {SERVER_DAYS} 天）。\n请把 {0}/root.pem 装到手机和电脑上，把 {0}/root.key 移到离线处保管。",
        dir.display()
    ))
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::new("无法写入证书文件", error, "数据未作任何改动。请检查目录权限，删除不完整的文件后重试。")
}

/// Creates a file that nobody else has opened or can read before its mode is set.
fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn day_of_month(day: Day) -> u8 {
    day.to_string().rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Name, content and mode of the four files.
fn issue(names: Vec<String>, today: Day) -> Result<[(&'static str, String, u32); 4], rcgen::Error> {
    let mut root = CertificateParams::new(Vec::new())?;
    root.distinguished_name.push(DnType::CommonName, "Louan Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // From yesterday, for clocks that are behind.
    let date = |day: Day| {
        rcgen::date_time_ymd(day.year().into(), day.month().month.unsigned_abs(), day_of_month(day))
    };
    let yesterday = today.plus_days(-1);
    (root.not_before, root.not_after) = (date(yesterday), date(yesterday.plus_days(ROOT_DAYS)));
    let root_key = KeyPair::generate()?;
    let root_certificate = root.self_signed(&root_key)?;

    let common_name = names.first().cloned().unwrap_or_default();
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, common_name);
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    (server.not_before, server.not_after) = (date(yesterday), date(yesterday.plus_days(SERVER_DAYS)));
    let server_key = KeyPair::generate()?;
    let server_certificate = server.signed_by(&server_key, &Issuer::from_params(&root, &root_key))?;
    Ok([
        ("root.pem", root_certificate.pem(), 0o644),
        ("root.key", root_key.serialize_pem(), 0o600),
        ("server.pem", server_certificate.pem() + &root_certificate.pem(), 0o644),
        ("server.key", server_key.serialize_pem(), 0o600),
    ])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

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
}
