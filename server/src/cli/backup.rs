//! `louan backup`: make one, or prove one that is there.
//!
//! The store may be in use meanwhile. What phones are told of a backup, they are told only once it is proven.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use super::failure::Failure;
use super::{say, store_there};
use crate::app::{App, Company, Workers, hold};
use crate::backup::{self, BackupFolder, Made, Manifest, PHOTOS, Plan, Reread, Step, folder_of, prove};
use crate::config::Config;
use crate::storage::sqlite::is_older;

pub(super) async fn back_up(
    to: Option<&Path>,
    keep: Option<NonZeroUsize>,
    config: &Config,
) -> Result<(), Failure> {
    let next = "未作任何改动。请用 --to 给出备份目录，或在配置中设置 backup.to。";
    let to = to.or(config.backup.to.as_deref()).ok_or_else(|| Failure::refused("没有给出备份目录", next))?;
    let store = &config.store.path;
    store_there(store)?;
    drop(hold(store, Company::Others)?);
    if is_older(store)? {
        return Err(Failure::refused(
            "数据库由旧版本的程序生成",
            "未作任何改动。请先停止服务并运行 louan migrate（升级前会自动留下一份副本），再备份。",
        ));
    }
    let app = App::open(config, Workers::None).await?;
    let plan = Plan {
        store: store.clone(),
        photos: config.store.photos_folder(),
        to: to.to_owned(),
        workshop: folder_of(store).to_owned(),
        made_at: app.now().system,
        keep: keep.map(NonZeroUsize::get),
    };
    let made = backup::make(&plan, &mut |step| tell(step))?;
    let Manifest { epoch, pos, .. } = made.manifest;
    app.hub.set_backed_up(epoch, pos, made.broken.iter().copied(), app.now().system).await?;
    say(&summary(&made))?;
    if made.broken.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = made.broken.iter().map(|hash| format!("  · {hash}")).collect();
    Err(Failure::refused(
        &format!("有 {} 张照片缺失或损坏，备份中没有完好的副本：\n{}", list.len(), list.join("\n")),
        "其余内容已备份。手机上如仍有这些照片，会在下次同步时重新上传。请检查存放照片的磁盘，并运行 louan doctor。",
    ))
}

fn tell(step: Step) {
    let line = match step {
        Step::Database => "正在复制数据库…".to_owned(),
        Step::Photos(0) => "照片没有新增。".to_owned(),
        Step::Photos(count) => format!("正在复制 {count} 张新照片…"),
        Step::Proof => "正在验证备份…".to_owned(),
        Step::Remove => "正在移除超出保留份数的旧备份…".to_owned(),
        Step::Clear | Step::Photo | Step::Inventory | Step::Manifest | Step::Name => return,
    };
    // Progress that nobody can see any more is no reason to give the backup up.
    drop(say(&line));
}

fn summary(made: &Made) -> String {
    let Manifest { pos, counts, photos, .. } = &made.manifest;
    format!(
        "备份完成并已验证：{}\n日志位置 {pos}，变更 {} 条，办理决定 {} 条，照片 {} 张（新增 {} 张）。",
        made.folder.display(),
        counts.changes,
        counts.rulings,
        photos.count,
        made.new_photos,
    )
}

pub(super) fn verify(backup: &Path, config: &Config) -> Result<(), Failure> {
    let (folder, _) = BackupFolder::find(backup)?;
    let pool = folder_of(&folder).join(PHOTOS);
    let store = folder_of(&config.store.path).to_owned();
    let workshop = if store.is_dir() { store } else { std::env::temp_dir() };
    let proven = prove(&folder, &pool, &workshop, &Reread::All)?;
    let bad: BTreeSet<_> = proven.rotten.iter().chain(&proven.lacking).collect();
    if let Some(first) = bad.first() {
        let what = format!("备份中有 {} 张照片缺失或损坏，如 {first}", bad.len());
        return Err(Failure::refused(
            &what,
            "数据库部分完好。请检查存放备份的磁盘；服务器上的照片完好时，重新备份会补上。",
        ));
    }
    if !proven.ledger_agrees {
        say("备份由另一版本的程序生成，台账将在恢复时重建。")?;
    }
    let Manifest { made_at, pos, photos, .. } = &proven.manifest;
    say(&format!(
        "备份完好：{}\n做于 {made_at}，日志位置 {pos}，照片 {} 张。",
        folder.display(),
        photos.count
    ))
}
