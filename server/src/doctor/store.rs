//! The store: version, structure, log, audit, ledger rows, and whether the clock goes with what was written.

use std::fs::File;
use std::io;
use std::path::Path;

use louan_schema::time::Timestamp;

use super::{Check, Finding, Patient, State};
use crate::backup::BackupFolder;
use crate::clock::released_at;
use crate::restore::is_unfinished;
use crate::storage::StorageError;
use crate::storage::sqlite::{
    Damage, Examined, Summary, audit_chains_at, examine as look_through, known_version,
};

const VERSION: Check = Check("version", "数据库版本");
const DATABASE: Check = Check("database", "数据库");
const LOG: Check = Check("log", "变更日志");
const AUDIT: Check = Check("audit", "审计记录");
const CLOCK: Check = Check("clock", "系统时钟");
const RESTORE: Check = Check("restore", "恢复");

/// What a clock may differ by without anybody having to look.
const CLOCK_SLACK_MS: i64 = 5 * 60_000;
const KEEP: &str = "请立即停止服务，不要删除任何文件，由最近的备份恢复（louan restore），并联系技术支持。";
/// What was done to an audit is evidence: a restore would put another in its place.
pub(super) const LEAVE_ALL: &str = "请停止服务，保留现状，不要恢复、不要删除任何文件，并联系技术支持。";
const IN_DANGER: &str = "此前的备份不受影响；损坏处之后的内容不可信。";

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let path = &patient.config.store.path;
    if is_unfinished(path) {
        return vec![RESTORE.fault(
            "上一次恢复没有完成",
            "备份和原有数据都在。",
            "请再次执行 louan restore：恢复会接着完成，并列出需要重新录入的内容。",
        )];
    }
    if !path.exists() {
        let what = format!("没有数据库 {}", path.display());
        let next = "首次安装请执行 louan migrate；否则请检查 store.path。";
        return vec![VERSION.note(what, "没有可检查的数据。", next), clock(patient, None)];
    }
    if let Some(shut) = shut_to_this_user(path, &File::open(path)) {
        return vec![shut, clock(patient, None)];
    }
    match look_through(path) {
        Ok(examined) => examined_findings(patient, &examined),
        Err(StorageError::Ahead { found, known }) => vec![
            VERSION.fault(
                format!("数据库是第 {found} 版，由更高版本的程序生成；本程序最高支持第 {known} 版"),
                "数据安全，没有改动。",
                "请安装同版本或更高版本的程序，不要用本程序启动服务。",
            ),
            clock(patient, None),
        ],
        Err(error) => {
            let next = format!("{KEEP}详情：{error}");
            vec![DATABASE.fault("数据库无法读取", "此前的备份不受影响。", next), clock(patient, None)]
        }
    }
}

/// A forgotten `sudo -u` is no damage: a restore would cost every phone a new code for nothing.
fn shut_to_this_user(path: &Path, opened: &io::Result<File>) -> Option<Finding> {
    let shut = opened.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied);
    shut.then(|| {
        DATABASE.fault(
            format!("当前用户无权读取 {}", path.display()),
            "没有读取任何内容，数据库是否完好尚不清楚。",
            "请以运行服务的用户重新检查，如 sudo -u louan louan doctor。",
        )
    })
}

fn examined_findings(patient: &Patient<'_>, examined: &Examined) -> Vec<Finding> {
    let summary = &examined.summary;
    let known = known_version();
    let version = if summary.version < known {
        VERSION.note(
            format!("数据库是第 {} 版，本程序是第 {known} 版", summary.version),
            "数据安全。",
            "启动服务或执行 louan migrate 时会自动升级，升级前自动留一份副本。",
        )
    } else {
        VERSION.well(format!("第 {known} 版"))
    };
    let mut database = DATABASE.well(format!("结构完好，{} 条变更", summary.counts.changes));
    let whole = |unit, last| match last {
        0 => "尚无内容".to_owned(),
        last => format!("第 1 至第 {last} {unit}，校验链完整"),
    };
    let mut log = LOG.well(whole("位", summary.head.pos));
    let mut audit = AUDIT.well(whole("条", summary.counts.audit));
    for damage in &examined.damages {
        match damage {
            Damage::Structure(said) => {
                database = DATABASE.fault(format!("数据库结构损坏（{said}）"), IN_DANGER, KEEP);
            }
            Damage::Row(table) | Damage::Ledger(table) => {
                let what = format!("登记表 {table} 与日志不符，可能被直接改过");
                database = DATABASE.fault(what, "变更日志未受影响。", KEEP);
            }
            Damage::Log(pos) => log = LOG.fault(format!("从第 {pos} 位起校验链断裂"), IN_DANGER, KEEP),
            Damage::Audit(seq) => {
                let what = format!("从第 {seq} 条起校验链断裂，可能被改过");
                audit = AUDIT.fault(what, "业务数据未受影响。", LEAVE_ALL);
            }
        }
    }
    if audit.state == State::Well
        && let Some(lines) = lines_a_backup_knew_otherwise(patient, summary)
    {
        let what = format!(
            "最近的备份中审计有 {lines} 条，现有审计不足 {lines} 条，或第 {lines} 条与备份不符：末尾可能被删除过"
        );
        audit = AUDIT.fault(what, "业务数据未受影响。", LEAVE_ALL);
    }
    let mut found = vec![version, database, log, audit];
    found.push(super::checkpoint::examine(patient, summary));
    found.push(clock(patient, examined.newest));
    found
}

/// A chain whose end was cut off still follows from its beginning (A22): only who knew more can tell. How many lines the
/// newest backup of this life of the log has, if the audit does not go on from them.
fn lines_a_backup_knew_otherwise(patient: &Patient<'_>, summary: &Summary) -> Option<u64> {
    let (_, backup) = BackupFolder::find(patient.backups()?).ok()?;
    let lines = backup.counts.audit;
    if lines == 0 || backup.epoch != summary.head.epoch {
        return None;
    }
    let here = audit_chains_at(&patient.config.store.path, &[lines]).ok()?;
    (here != [Some(backup.audit_chain.0)]).then_some(lines)
}

/// Without another clock to ask, the newest instant written and the day of this build's release are what is known.
fn clock(patient: &Patient<'_>, newest: Option<Timestamp>) -> Finding {
    let now = patient.now;
    let next = "请校正系统时钟并启用时间同步（如 timedatectl set-ntp true），再启动服务。";
    let safe = "已确认收到的数据是安全的；登录、期限和新记录的时间会出错。";
    if now < released_at() {
        let what = format!("系统时间 {now} 早于本程序的发布日期 {}", released_at().day());
        return CLOCK.fault(what, safe, next);
    }
    match newest {
        Some(newest) if now.plus_ms(CLOCK_SLACK_MS) < newest => {
            let what = format!("系统时间 {now} 早于数据库中最近的记录 {newest}：现在慢了，或当时快了");
            CLOCK.fault(what, safe, next)
        }
        _ => CLOCK.well(format!("{now}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_another_user_may_read_is_not_said_to_be_damaged() {
        let path = Path::new("/var/lib/louan/louan.sqlite");
        let refused = |kind| Err(io::Error::from(kind));
        let shut = shut_to_this_user(path, &refused(io::ErrorKind::PermissionDenied)).expect("is said");
        assert!(shut.next.contains("sudo -u louan") && !shut.next.contains("恢复"), "{shut:?}");
        assert!(shut_to_this_user(path, &refused(io::ErrorKind::InvalidData)).is_none());
    }
}
