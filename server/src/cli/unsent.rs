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
use crate::photo::{PhotoError, UploadId};
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
        return Err(Failure::refused("不是未上传数据包，或由更高版本的应用生成", UNCHANGED));
    }
    let app = App::open(config, Workers::Processes(executable()?)).await?;
    let (person, _) = importer(&app, who).await?;
    let unsent = Unsent::new(app.hub.clone(), app.photos.clone());
    let mut total = ReadIn::default();
    let (mut refused, mut advice) = (0, Vec::new());
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
            Err(UnsentError::Storage(error) | UnsentError::Photo(PhotoError::Storage(error))) => {
                return Err(error.into());
            }
            // What is wrong with one part holds the others up no more than a lost one would.
            Err(error) => {
                let (why, next) = words(&error);
                refused += 1;
                say(&format!("  有一份未能读入：{why}"))?;
                if !advice.contains(&next) {
                    advice.push(next);
                }
            }
        }
    };
    tell(total, cut, refused, &advice)
}

/// What became of the file, and what is to be done about what was not read in.
fn tell(total: ReadIn, cut: bool, refused: usize, advice: &[&str]) -> Result<(), Failure> {
    let ReadIn { taken, known, held, returned, waiting, photos } = total;
    say(&format!(
        "已读入 {taken} 条，照片 {photos} 张；此前已有 {known} 条，暂存待审 {held} 条，退回 {returned} 条，\
         因缺少前序内容暂不能收 {waiting} 条。"
    ))?;
    if cut {
        say("文件在末尾处不完整：此前的部分都已处理。请在手机上重新导出后再执行一次。")?;
    }
    match refused {
        0 => say("手机上的内容请勿删除：它再次联网时会得到回执。"),
        refused => Err(Failure::refused(
            &format!("有 {refused} 份未能读入"),
            &format!("其余内容已经读入，手机上的内容请勿删除。\n{}", advice.join("\n")),
        )),
    }
}

/// Why a part was not read in, and what helps against that.
fn words(error: &UnsentError) -> (&'static str, &'static str) {
    const EXPORT: &str = "内容损坏的：请在手机上重新导出后再执行一次。";
    const AGAIN: &str = "暂时不能接收的：请稍后再执行一次。";
    match error {
        UnsentError::Fault(UnsentFault::Damaged | UnsentFault::Cut) => ("内容已损坏", EXPORT),
        UnsentError::Fault(UnsentFault::TooLong | UnsentFault::Magic) | UnsentError::Sync(_) => {
            ("由其他版本的应用生成", "版本不同的：请把服务端和手机应用升级到同一版本后再执行一次。")
        }
        UnsentError::UnknownDevice => (
            "来自未在本系统登记的设备",
            "设备未登记的：请核对文件是不是本系统的手机导出的；重新导出或再次执行都不会有变化。",
        ),
        UnsentError::Signature => (
            "与设备签名不符，可能已被改动",
            "签名不符的：请保留文件备查，核实其来源；请让该手机联网，由它自行上传。",
        ),
        UnsentError::Photo(error) => match error {
            PhotoError::Quota => ("该设备当天的照片数量或容量已用完", "当天额度用完的：请次日再执行一次。"),
            PhotoError::Later => ("审核进程繁忙，照片未能审核", AGAIN),
            PhotoError::Refused(_) => (
                "照片不符合接收要求",
                "照片不符合要求的：重新导出或再次执行都不会有变化，请在手机上查看该照片，必要时重新拍摄。",
            ),
            PhotoError::Blob(_) => {
                ("照片目录不能写入", "照片不能写入的：请检查 store.photos 的磁盘空间和权限后再执行一次。")
            }
            PhotoError::Card | PhotoError::Checksum | PhotoError::OtherBytes | PhotoError::TooLong => {
                ("照片已损坏", EXPORT)
            }
            PhotoError::Unknown | PhotoError::Ended | PhotoError::Offset(_) => ("照片的接收被中断", AGAIN),
            PhotoError::Storage(_) => ("数据库不能读写", AGAIN),
        },
        UnsentError::Storage(_) => ("数据库不能读写", AGAIN),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::SyncError;
    use crate::photo::BlobError;
    use crate::worker::Unfit;

    #[test]
    fn only_who_has_a_damaged_file_is_sent_back_to_the_phone_for_another() {
        for (error, part) in [
            (UnsentError::Fault(UnsentFault::Damaged), "请在手机上重新导出"),
            (UnsentError::Photo(PhotoError::OtherBytes), "请在手机上重新导出"),
            (UnsentError::Sync(SyncError::Protocol(9)), "升级到同一版本"),
            (UnsentError::UnknownDevice, "本系统的手机"),
            (UnsentError::Signature, "核实其来源"),
            (UnsentError::Photo(PhotoError::Quota), "次日"),
            (UnsentError::Photo(PhotoError::Later), "稍后"),
            (UnsentError::Photo(PhotoError::Refused(Unfit::NotPlain)), "重新拍摄"),
            (UnsentError::Photo(PhotoError::Blob(BlobError::Full)), "磁盘空间"),
        ] {
            let (why, next) = words(&error);
            assert!(next.contains(part), "{why}: {next}");
            assert_eq!(next.contains("请在手机上重新导出"), part == "请在手机上重新导出", "{why}: {next}");
        }
    }
}
