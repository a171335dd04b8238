//! Photos: each read, and its bytes compared with its name; and whether every photo the store speaks of is there.

use std::collections::BTreeSet;
use std::path::Path;

use louan_schema::id::BlobHash;

use super::{Check, Finding, Patient};
use crate::backup::{BackupError, Inventory, broken_photos, inventory};
use crate::storage::sqlite::photo_hashes;

const PHOTOS: Check = Check("photos", "照片");
/// So many broken or missing ones are named.
const NAMED_MAX: usize = 3;

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let folder = &patient.config.store.photos_folder();
    // Asked before the folder is: a photo that comes meanwhile has its file before its row. A store that cannot be read
    // is another check's finding.
    let known = photo_hashes(&patient.config.store.path).unwrap_or_default();
    match look(folder, patient.quick) {
        Ok((all, broken)) => found(&all, broken.as_deref(), &known),
        Err(error) => PHOTOS.fault(
            format!("照片目录无法读取：{error}"),
            "其他数据安全。",
            "请检查 store.photos 的路径、权限和磁盘。",
        ),
    }
}

/// The photos there are, and, if they are read, those that are broken.
fn look(folder: &Path, quick: bool) -> Result<(Inventory, Option<Vec<BlobHash>>), BackupError> {
    let all = inventory(folder)?;
    let broken = if quick { None } else { Some(broken_photos(folder, &all)?) };
    Ok((all, broken))
}

fn found(all: &Inventory, broken: Option<&[BlobHash]>, known: &BTreeSet<BlobHash>) -> Finding {
    let missing: Vec<BlobHash> = known.iter().filter(|hash| !all.contains_key(hash)).copied().collect();
    let faults: Vec<String> = [(broken.unwrap_or_default(), "张照片的内容已损坏"), (&missing, "张照片缺失")]
        .into_iter()
        .filter(|(hashes, _)| !hashes.is_empty())
        .map(|(hashes, what)| format!("{} {what}，如 {}", hashes.len(), named(hashes)))
        .collect();
    if !faults.is_empty() {
        return PHOTOS.fault(
            faults.join("；"),
            "其他数据安全；备份中可能有完好的副本。",
            "请检查磁盘，然后停止服务并用 louan restore 由备份恢复：完好的副本会自动补回。",
        );
    }
    let count = all.len();
    PHOTOS.well(match broken {
        Some(_) => format!("共 {count} 张，逐张核对完好"),
        None => format!("共 {count} 张，未逐张核对"),
    })
}

fn named(hashes: &[BlobHash]) -> String {
    let names: Vec<String> = hashes.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    names.join("、")
}
