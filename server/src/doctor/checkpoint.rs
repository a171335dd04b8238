//! Checkpoints of the audit: does it still go through all of them?

use std::fs;
use std::path::Path;

use super::{Check, Finding, Patient};
use crate::audit::checkpoint::{CheckpointKey, SignedCheckpoint};
use crate::storage::sqlite::{Summary, audit_chains_at};

const CHECKPOINTS: Check = Check("audit_checkpoints", "审计检查点");
const UNHARMED: &str = "业务数据未受影响。";
/// A server that runs writes one every ten minutes, if anything happened.
const SILENT_MS: i64 = 3_600_000;

/// Nothing when no file for checkpoints is configured.
pub(super) fn examine(patient: &Patient<'_>, summary: &Summary) -> Option<Finding> {
    let file = patient.config.audit.checkpoints.as_deref()?;
    Some(looked_at(patient, summary, file).unwrap_or_else(|finding| finding))
}

fn looked_at(patient: &Patient<'_>, summary: &Summary, file: &Path) -> Result<Finding, Finding> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let what = format!("还没有检查点文件 {}", file.display());
            return Err(CHECKPOINTS.note(
                what,
                UNHARMED,
                "服务启动后自动写入；若服务已在运行，请检查 audit.checkpoints 和目录权限。",
            ));
        }
        Err(error) => {
            let what = format!("检查点文件 {} 无法读取（{error}）", file.display());
            return Err(CHECKPOINTS.fault(what, UNHARMED, "请检查 audit.checkpoints 和文件权限。"));
        }
    };
    let store = &patient.config.store.path;
    let unreadable =
        |what: String| CHECKPOINTS.fault(what, UNHARMED, "请检查数据库目录的权限，并核对检查点文件的来源。");
    let key = CheckpointKey::of(store).map_err(|e| unreadable(format!("检查点签名密钥无法读取（{e}）")))?;
    let mut known = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let signed: SignedCheckpoint = line
            .parse()
            .map_err(|_| unreadable(format!("检查点文件第 {number} 行不是有效的检查点，可能被改过")))?;
        if signed.checkpoint.epoch != summary.head.epoch {
            continue;
        }
        if key.as_ref().map(CheckpointKey::public) != Some(signed.key) {
            return Err(unreadable(format!("检查点文件第 {number} 行不是用本机密钥签名的")));
        }
        known.push(signed.checkpoint);
    }
    let numbers: Vec<u64> = known.iter().map(|checkpoint| checkpoint.lines).collect();
    let chains = audit_chains_at(store, &numbers)
        .map_err(|e| CHECKPOINTS.fault(format!("审计记录无法读取（{e}）"), UNHARMED, "请联系技术支持。"))?;
    let otherwise = known.iter().zip(chains).find(|(known, chain)| *chain != Some(known.chain));
    if let Some((checkpoint, _)) = otherwise {
        let what = format!(
            "{} 时审计有 {} 条，现在到不了那里或内容不同：末尾可能被删过",
            checkpoint.at, checkpoint.lines
        );
        return Err(CHECKPOINTS.fault(
            what,
            UNHARMED,
            "请保留现状和检查点文件，不要继续操作，并联系技术支持。",
        ));
    }
    match known.last() {
        None => Ok(CHECKPOINTS.note("数据库恢复之后还没有检查点", UNHARMED, "服务启动后自动写入。")),
        Some(last) if last.lines < summary.counts.audit && last.at.plus_ms(SILENT_MS) < patient.now => {
            let what = format!("最近的检查点是 {} 的，之后的审计记录没有检查点", last.at);
            Ok(CHECKPOINTS.note(what, UNHARMED, "请检查服务是否在运行、检查点文件是否可写。"))
        }
        Some(last) => {
            Ok(CHECKPOINTS.well(format!("{} 个检查点，最近一个到第 {} 条", known.len(), last.lines)))
        }
    }
}
