//! `louan unsent`: reads in, part by part, what a phone could not send.
//!
//! It may run beside the server and any number of times. A file that ends within a part gives all that is before.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use louan_schema::unsent::{LENGTH_BYTES, MAGIC, UnsentFault, next_length};

use super::failure::Failure;
use super::list::importer;
use super::people::UNCHANGED;
use super::say;
use super::service::executable;
use crate::app::{App, Workers};
use crate::config::Config;
use crate::photo::UploadId;
use crate::unsent::{ReadIn, Unsent, UnsentError};

pub(super) async fn read_in(file: &Path, who: &str, config: &Config) -> Result<(), Failure> {
    let unreadable = |e: std::io::Error| {
        Failure::new(
            &format!("无法读取 {}", file.display()),
            &e,
            "请检查路径和权限；已读入的部分不受影响，可重新执行。",
        )
    };
    let mut parts = BufReader::new(File::open(file).map_err(unreadable)?);
    let mut magic = [0; MAGIC.len()];
    let begins = filled(&mut parts, &mut magic).map_err(unreadable)?;
    if begins < magic.len() || magic != MAGIC {
        return Err(Failure::refused("不是未上传数据包，或由更新版本的应用生成", UNCHANGED));
    }
    let app = App::open(config, Workers::Processes(executable()?)).await?;
    let (person, _) = importer(&app, who).await?;
    let unsent = Unsent::new(app.hub.clone(), app.photos.clone());
    let mut total = ReadIn::default();
    let mut refused = 0;
    let cut = loop {
        let mut length = [0; LENGTH_BYTES];
        let read = filled(&mut parts, &mut length).map_err(unreadable)?;
        let bytes = match next_length(&length[..read]) {
            Ok(None) => break false,
            Ok(Some(bytes)) => bytes,
            Err(_) => break true,
        };
        let mut part = vec![0; bytes];
        if filled(&mut parts, &mut part).map_err(unreadable)? < bytes {
            break true;
        }
        match unsent.read_in(person.id, &part, UploadId(app.random().array()), app.now()).await {
            Ok(read) => total.add(read),
            Err(UnsentError::Storage(error)) => return Err(error.into()),
            // What is wrong with one part holds the others up no more than a lost one would.
            Err(error) => {
                refused += 1;
                say(&format!("  有一份未能读入：{}", words(&error)))?;
            }
        }
    };
    let ReadIn { taken, known, held, returned, waiting, photos } = total;
    say(&format!(
        "已读入 {taken} 条，照片 {photos} 张；原已有 {known}，暂存待审 {held}，退回 {returned}，待补前文 {waiting}。"
    ))?;
    if cut {
        say("文件在末尾处不完整：此前的内容已全部读入。请在手机上重新导出后再执行一次。")?;
    }
    match refused {
        0 => say("手机上的内容请勿删除：它再次联网时会得到回执。"),
        refused => Err(Failure::refused(
            &format!("有 {refused} 份未能读入"),
            "其余内容已经读入。请在手机上重新导出后再执行一次。",
        )),
    }
}

fn words(error: &UnsentError) -> &'static str {
    match error {
        UnsentError::Fault(UnsentFault::Damaged | UnsentFault::Cut) => "内容已损坏",
        UnsentError::Fault(UnsentFault::TooLong | UnsentFault::Magic) => "由更新版本的应用生成",
        UnsentError::UnknownDevice => "来自未在本单位登记的设备",
        UnsentError::Signature => "与设备签名不符，可能已被改动",
        UnsentError::Sync(_) => "由其他版本的应用生成，请升级后重试",
        UnsentError::Photo(_) => "照片不能接收",
        UnsentError::Storage(_) => "数据库不能写入",
    }
}

/// Fills a buffer as far as the file goes; how much of it.
fn filled(from: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut at = 0;
    while at < buffer.len() {
        match from.read(&mut buffer[at..]) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}
