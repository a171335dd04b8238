//! The machine: free space, folders that can be written to, files that others can read.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::{Check, Finding, Patient, State};
use crate::config::TlsMode;
use crate::storage::sqlite::beside;

const SPACE: Check = Check("space", "存储空间");
const FOLDERS: Check = Check("folders", "目录写入");
const PERMISSIONS: Check = Check("permissions", "文件权限");

const MIB: u64 = 1024 * 1024;
/// Less is a fault: a crew that comes back online at once brings some 100 MiB of changes and photos within minutes.
const FREE_FAULT: u64 = 256 * MIB;
/// Less is worth a note: a busy day's photos are some 2 GiB (500 of 4 MB).
const FREE_NOTE: u64 = 2_048 * MIB;

/// The folders things live in, without those that are not configured.
fn places(patient: &Patient<'_>) -> Vec<(&'static str, PathBuf)> {
    let store = patient.config.store.path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let store = if store.as_os_str().is_empty() { PathBuf::from(".") } else { store };
    let mut places = vec![("数据目录", store), ("照片目录", patient.config.store.photos_folder())];
    places.extend(patient.backups().map(|to| ("备份目录", to.clone())));
    places
}

/// What stands nearest to a path that may not be there yet.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p }).find(|p| p.exists())
}

pub(super) fn space(patient: &Patient<'_>) -> Vec<Finding> {
    let database = patient.config.store.path.metadata().map_or(0, |file| file.len());
    let mut found = Vec::new();
    let mut least = u64::MAX;
    for (name, path) in places(patient) {
        let Some(Ok(disk)) = nearest(&path).map(statvfs) else { continue };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        least = least.min(free);
        let what = format!("{name} {} 只剩 {} MiB", path.display(), free / MIB);
        let next = "请清理或扩大该磁盘；不要删除数据库、照片和备份。";
        match judged(free, database) {
            State::Well => {}
            State::Note => found.push(SPACE.note(what, "数据安全。", next)),
            State::Fault => {
                found.push(SPACE.fault(what, "已确认收到的数据是安全的，但很快不能再接收。", next))
            }
        }
    }
    SPACE.worst(found, format!("空间最少的一处还有 {} MiB", least / MIB))
}

/// How so many free bytes are to be taken. A backup needs room for two copies of the database, one for its proof.
fn judged(free: u64, database: u64) -> State {
    match free {
        _ if free < FREE_FAULT => State::Fault,
        _ if free < FREE_NOTE.max(database.saturating_mul(2)) => State::Note,
        _ => State::Well,
    }
}

pub(super) fn folders(patient: &Patient<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, path) in places(patient) {
        let Some(there) = nearest(&path) else { continue };
        let writable = there.is_dir() && access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok();
        if !writable {
            found.push(FOLDERS.fault(
                format!("{name} {} 不能写入", path.display()),
                "已确认收到的数据是安全的，但不能再接收或备份。",
                "请检查目录是否存在、属主是否为服务用户、磁盘是否被挂为只读。",
            ));
        }
    }
    if let (Ok(file), Ok(folder)) = (patient.config.store.path.metadata(), places(patient)[0].1.metadata())
        && file.uid() != folder.uid()
    {
        found.push(FOLDERS.note(
            "数据库文件与其目录的属主不同",
            "数据安全。",
            "请把数据库文件的属主改为服务用户（如 chown louan），并以该用户执行 louan 命令。",
        ));
    }
    FOLDERS.worst(found, "数据、照片和备份目录都可写入")
}

pub(super) fn permissions(patient: &Patient<'_>) -> Vec<Finding> {
    let config = patient.config;
    let mut found = Vec::new();
    let mut secrets: Vec<&PathBuf> = config.auth.pepper_file.iter().collect();
    if config.edge.tls == TlsMode::On {
        secrets.push(&config.edge.key);
    }
    for path in secrets {
        if mode(path).is_some_and(|mode| mode & 0o077 != 0) {
            let next = format!("请执行 chmod 600 {0}；他人可能已读过时，请更换。", path.display());
            found.push(PERMISSIONS.fault(
                format!("密钥文件 {} 可被其他用户读取", path.display()),
                "数据未受损，但可能泄密。",
                next,
            ));
        }
    }
    let parts = ["", "-wal", "-shm"].map(|part| beside(&config.store.path, part));
    let folders = [Some(config.store.photos_folder()), patient.backups().cloned()].into_iter().flatten();
    for path in parts.into_iter().chain(folders) {
        let Some(mode) = mode(&path) else { continue };
        let is_folder = path.is_dir();
        // What others may do with a folder is enter it.
        let others = if is_folder { 0o001 } else { 0o007 };
        if mode & others != 0 {
            let right = if is_folder { "700" } else { "600" };
            found.push(PERMISSIONS.fault(
                format!("{} 可被其他用户读取", path.display()),
                "数据未受损，但个人信息可能泄露。",
                format!("请执行 chmod {right} {}。", path.display()),
            ));
        }
    }
    PERMISSIONS.worst(found, "密钥、数据库、照片和备份不能被其他用户读取")
}

fn mode(path: &Path) -> Option<u32> {
    path.metadata().ok().as_ref().map(Metadata::permissions).map(|permissions| permissions.mode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_judged_by_what_a_day_and_a_backup_need() {
        for (free, database, state) in [
            (255 * MIB, 0, State::Fault),
            (256 * MIB, 0, State::Note),
            (2_047 * MIB, 0, State::Note),
            (2_048 * MIB, 0, State::Well),
            (2_048 * MIB, 1_025 * MIB, State::Note),
            (2_050 * MIB, 1_025 * MIB, State::Well),
        ] {
            assert_eq!(judged(free, database), state, "{free} {database}");
        }
    }
}
