//! The backup: is there one, how old is it, and is its database still what was backed up.

use super::{Check, Finding, Patient};
use crate::backup::{BackupFolder, is_unchanged};

const BACKUP: Check = Check("backup", "备份");
const HOUR_MS: i64 = 3_600_000;
/// A night was missed, with two hours for the backup itself.
const NOTE_AFTER_MS: i64 = 26 * HOUR_MS;
/// Three nights were missed: a weekend on which nobody looked.
const FAULT_AFTER_MS: i64 = 74 * HOUR_MS;
const UNSAFE: &str = "现有数据未受损，但磁盘一旦损坏，只能靠手机补回。";

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let Some(folder) = patient.backups() else {
        let next = "请在配置中设置 backup.to（另一块磁盘或另一台机器的目录），每夜自动备份；或定期执行 louan backup --to。";
        return BACKUP.note("没有设置备份目录", UNSAFE, next);
    };
    let again = format!("请执行 louan backup --to {}，并查看日志中夜间备份失败的原因。", folder.display());
    let newest = match BackupFolder::find(folder) {
        Ok(newest) => newest,
        Err(error) => {
            let what = format!("{} 中没有完整的备份（{error}）", folder.display());
            return BACKUP.fault(what, UNSAFE, again);
        }
    };
    let (path, manifest) = newest;
    if !is_unchanged(&path, &manifest) {
        let what = format!("最近的备份 {} 已损坏", path.display());
        return BACKUP.fault(what, UNSAFE, format!("请检查存放备份的磁盘。{again}"));
    }
    let Some(made_at) = manifest.made_at() else {
        return BACKUP.fault(format!("备份 {} 的时间无法识别", path.display()), UNSAFE, again);
    };
    let age = patient.now.ms() - made_at.ms();
    let what = format!("最近的备份做于 {made_at}，距今 {} 小时", age / HOUR_MS);
    match age {
        _ if age > FAULT_AFTER_MS => BACKUP.fault(what, UNSAFE, again),
        _ if age > NOTE_AFTER_MS => BACKUP.note(what, UNSAFE, again),
        _ => BACKUP.well(what),
    }
}
