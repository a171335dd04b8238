//! Checkpoints of the audit: does it still go through all of them?
//!
//! Those of an earlier life of the log count as well: a restore puts an older audit back and says so in its next line,
//! and only behind such a line may it end before what a checkpoint of that life knew.

use std::path::Path;

use louan_schema::id::Epoch;

use super::store::LEAVE_ALL;
use super::{Check, Finding, Patient};
use crate::audit::checkpoint::{Checkpoint, CheckpointKey, SignedCheckpoint, is_unfinished, text};
use crate::storage::sqlite::{Summary, audit_chains_at, audit_restores};

const CHECKPOINTS: Check = Check("audit_checkpoints", "审计检查点");
const UNHARMED: &str = "业务数据未受影响。";
/// A server that runs writes one every ten minutes at the latest, if anything happened.
const SILENT_MS: i64 = 3_600_000;

pub(super) fn examine(patient: &Patient<'_>, summary: &Summary) -> Finding {
    let Some(file) = patient.config.audit.checkpoints.as_deref() else {
        // Whoever can write the store can cut it and its backups: a hint, for the audit itself is as it should be.
        let next =
            "建议在配置中设置 audit.checkpoints（另一台机器上的文件，或设为只能追加的文件），再重启服务。";
        return CHECKPOINTS.note("未设置检查点文件：审计末尾如被删除，没有外部记录可供核对", UNHARMED, next);
    };
    looked_at(patient, summary, file).unwrap_or_else(|finding| finding)
}

/// What the file says.
#[derive(Default)]
struct Read {
    /// Checkpoints signed with this machine's key.
    known: Vec<Checkpoint>,
    /// Lines that were cut short, and lines that are no checkpoints, by number.
    unfinished: Vec<usize>,
    changed: Vec<usize>,
    /// Lines of this life of the log that somebody else signed.
    foreign: Vec<usize>,
}

fn looked_at(patient: &Patient<'_>, summary: &Summary, file: &Path) -> Result<Finding, Finding> {
    let store = &patient.config.store.path;
    let wrong =
        |what: String| CHECKPOINTS.fault(what, UNHARMED, "请检查数据库目录的权限，并核对检查点文件的来源。");
    let key = CheckpointKey::of(store).map_err(|e| wrong(format!("检查点签名密钥无法读取（{e}）")))?;
    let text = text(file).map_err(|error| {
        let what = format!("检查点文件 {} 无法读取（{error}）", file.display());
        CHECKPOINTS.fault(what, UNHARMED, "请检查 audit.checkpoints 和文件权限，并确认它是普通文件。")
    })?;
    let text = text.ok_or_else(|| {
        let what = format!("还没有检查点文件 {}", file.display());
        let next = "服务启动后自动写入；若服务已在运行，请检查 audit.checkpoints 和目录权限。";
        CHECKPOINTS.note(what, UNHARMED, next)
    })?;
    let read = read(&text, key.as_ref(), summary.head.epoch);
    let replaced = replaced(store, summary, &read.known)?;
    if let Some(line) = read.foreign.first() {
        return Err(wrong(format!("检查点文件第 {line} 行不是用本机密钥签名的")));
    }
    if let Some(line) = read.changed.first() {
        return Err(wrong(format!("检查点文件第 {line} 行不是有效的检查点，可能被改过")));
    }
    if let Some(line) = read.unfinished.first() {
        let what = format!("检查点文件第 {line} 行没有写完，其余各行与审计一致");
        return Err(CHECKPOINTS.note(
            what,
            UNHARMED,
            "如在停电或磁盘写满之后，属正常情况；否则请核对文件来源。",
        ));
    }
    Ok(all_there(patient, summary, &read.known, replaced))
}

fn read(text: &str, key: Option<&CheckpointKey>, epoch: Epoch) -> Read {
    let public = key.map(CheckpointKey::public);
    let mut read = Read::default();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match line.trim_end().parse::<SignedCheckpoint>() {
            Ok(signed) if public.as_ref() == Some(&signed.key) => read.known.push(signed.checkpoint),
            // An earlier machine's, before it was restored here.
            Ok(signed) if signed.checkpoint.epoch != epoch => {}
            Ok(_) => read.foreign.push(number),
            Err(_) if is_unfinished(line) => read.unfinished.push(number),
            Err(_) => read.changed.push(number),
        }
    }
    read
}

/// How many checkpoints a restore has put back behind.
///
/// # Errors
/// The finding, when the audit does not go through one and no restore says why.
fn replaced(store: &Path, summary: &Summary, known: &[Checkpoint]) -> Result<usize, Finding> {
    let unreadable = |e| CHECKPOINTS.fault(format!("审计记录无法读取（{e}）"), UNHARMED, "请联系技术支持。");
    let numbers: Vec<u64> = known.iter().map(|checkpoint| checkpoint.lines).collect();
    let chains = audit_chains_at(store, &numbers).map_err(unreadable)?;
    let otherwise: Vec<&Checkpoint> = known
        .iter()
        .zip(chains)
        .filter(|(known, chain)| *chain != Some(known.chain))
        .map(|(known, _)| known)
        .collect();
    if otherwise.is_empty() {
        return Ok(0);
    }
    let restores = audit_restores(store).map_err(unreadable)?;
    let explained = |checkpoint: &Checkpoint| {
        let life = checkpoint.epoch.to_string();
        checkpoint.epoch != summary.head.epoch
            && restores.iter().any(|(line, of)| *of == life && *line <= checkpoint.lines)
    };
    match otherwise.iter().find(|checkpoint| !explained(checkpoint)) {
        None => Ok(otherwise.len()),
        Some(Checkpoint { at, lines, .. }) => Err(CHECKPOINTS.fault(
            format!("{at} 时审计有 {lines} 条，现有审计不足 {lines} 条，或第 {lines} 条与检查点不符：末尾可能被删除过"),
            UNHARMED,
            LEAVE_ALL,
        )),
    }
}

fn all_there(patient: &Patient<'_>, summary: &Summary, known: &[Checkpoint], replaced: usize) -> Finding {
    let mut here = known.iter().filter(|checkpoint| checkpoint.epoch == summary.head.epoch);
    let behind = match replaced {
        0 => String::new(),
        count => format!("；另有 {count} 个在恢复时随之退回"),
    };
    match here.next_back() {
        None => {
            CHECKPOINTS.note(format!("数据库恢复之后还没有检查点{behind}"), UNHARMED, "服务启动后自动写入。")
        }
        Some(last) if last.lines < summary.counts.audit && last.at.plus_ms(SILENT_MS) < patient.now => {
            let what = format!("最近的检查点是 {} 的，之后的审计记录没有检查点{behind}", last.at);
            CHECKPOINTS.note(what, UNHARMED, "请检查服务是否在运行、检查点文件是否可写。")
        }
        Some(last) => {
            let what = format!("核对了 {} 个检查点，最近一个到第 {} 条{behind}", known.len(), last.lines);
            CHECKPOINTS.well(what)
        }
    }
}
