//! Photos: each read, and its bytes compared with its name.

use super::{Check, Finding, Patient};
use crate::backup::{broken_photos, inventory};

const PHOTOS: Check = Check("photos", "照片");
/// So many broken ones are named.
const NAMED_MAX: usize = 3;

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let folder = &patient.config.store.photos_folder();
    let looked = if patient.quick {
        inventory(folder).map(|all| (all.len(), None))
    } else {
        broken_photos(folder).map(|(count, broken)| (count, Some(broken)))
    };
    match looked {
        Ok((count, None)) => PHOTOS.well(format!("共 {count} 张，未逐张核对")),
        Ok((count, Some(broken))) if broken.is_empty() => PHOTOS.well(format!("共 {count} 张，逐张核对完好")),
        Ok((_, Some(broken))) => {
            let names: Vec<String> = broken.iter().take(NAMED_MAX).map(ToString::to_string).collect();
            PHOTOS.fault(
                format!("{} 张照片的内容已损坏，如 {}", broken.len(), names.join("、")),
                "其他数据安全；备份中可能有完好的副本。",
                "请检查磁盘，然后停止服务并用 louan restore 由备份恢复：完好的副本会自动补回。",
            )
        }
        Err(error) => PHOTOS.fault(
            format!("照片目录无法读取：{error}"),
            "其他数据安全。",
            "请检查 store.photos 的路径、权限和磁盘。",
        ),
    }
}
