//! `louan import` and `louan export`: lists of buildings in, ledgers out, without a browser.
//!
//! Somebody with an account stands behind each: what he may not see is not exported, what he may not enter is not
//! entered, and the audit names him. A list is read in a worker, as over the network; an existing file is never
//! written over.

use std::path::Path;

use louan_schema::code::{Action, Datum, HazardState, may};
use louan_schema::registry::{Org, Person};
use louan_schema::time::Day;

use super::args::{ExportWhat, ImportCommand};
use super::failure::Failure;
use super::people::{UNCHANGED, find_person};
use super::say;
use super::service::executable;
use crate::app::{App, Workers};
use crate::config::Config;
use crate::hub::{Carried, Export, ExportError, ImportError, ImportId, Imported, LedgerFile};
use crate::import::{Defaults, NoHeader, Outcome, Remark, value};

/// Remarks shown; the workbook has all of them.
const SHOWN: usize = 20;

pub(super) async fn import(command: &ImportCommand, config: &Config) -> Result<(), Failure> {
    match command {
        ImportCommand::Read { file, who, street, building_use, datum, errors } => {
            let defaults = Defaults {
                street: read(street.as_deref(), "街镇不在本方案范围内", |text| {
                    value::street(text).ok()
                })?,
                building_use: read(building_use.as_deref(), "没有这个使用性质", |text| {
                    text.parse().ok()
                })?,
                datum: read(datum.as_deref(), "没有这个坐标系", |text| text.parse().ok())?,
            };
            let bytes = std::fs::read(file).map_err(|e| {
                Failure::new(&format!("无法读取 {}", file.display()), &e, "未作任何改动。请检查路径和权限。")
            })?;
            if let Some(path) = errors {
                refuse_existing(path)?;
            }
            let app = App::open(config, Workers::Processes(executable()?)).await?;
            preview(&app, bytes, (who, defaults), errors.as_deref()).await
        }
        ImportCommand::Commit { import, who } => {
            let app = App::open(config, Workers::None).await?;
            let (person, _) = importer(&app, who).await?;
            let carried = app.hub.carry_import(person.id, number(import)?, app.now()).await?;
            say(&format!("已导入：{} 个小区。", carried.done))?;
            left(&carried)?;
            say(&format!("如需撤销：louan import undo {import} --as {who}"))
        }
        ImportCommand::Undo { import, who } => {
            let app = App::open(config, Workers::None).await?;
            let (person, _) = importer(&app, who).await?;
            let carried = app.hub.undo_import(person.id, number(import)?, app.now()).await?;
            say(&format!("已撤销：{} 个小区恢复原状。", carried.done))?;
            left(&carried)
        }
    }
}

/// A value that may be left out.
fn read<T>(
    text: Option<&str>,
    wrong: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let Some(text) = text else { return Ok(None) };
    read(text).map(Some).ok_or_else(|| Failure::refused(&format!("{wrong}：{text}"), UNCHANGED))
}

fn number(text: &str) -> Result<ImportId, Failure> {
    text.parse().map_err(|e| Failure::new("导入编号不正确", &e, UNCHANGED))
}

/// The person behind a command, and his organisation.
async fn standing(app: &App, who: &str) -> Result<(Person, Org), Failure> {
    let id = find_person(app, who).await?;
    let row = app.hub.find_person(id).await?.filter(|row| row.active);
    let row =
        row.ok_or_else(|| Failure::refused(&format!("{who} 已停用"), "未作任何改动。请改用在用的账号。"))?;
    let org = app.hub.find_org(row.person.org).await?;
    let org = org.ok_or_else(|| Failure::refused("该人员的单位不存在", UNCHANGED))?;
    Ok((row.person, org))
}

pub(super) async fn importer(app: &App, who: &str) -> Result<(Person, Org), Failure> {
    let (person, org) = standing(app, who).await?;
    if may(person.role, Action::RegisterBuilding) {
        return Ok((person, org));
    }
    let role = person.role.label();
    Err(Failure::refused(
        &format!("{who} 的岗位（{role}）没有建账权限"),
        "未作任何改动。请以有建账权限的账号（领导小组办公室、住建、街镇）执行。",
    ))
}

async fn preview(
    app: &App,
    bytes: Vec<u8>,
    (who, defaults): (&str, Defaults),
    errors: Option<&Path>,
) -> Result<(), Failure> {
    let (person, _) = importer(app, who).await?;
    let unread = || Failure::refused("读取名单的进程没有应答", "未作任何改动。请稍后重试。");
    let table = app.tables().read_table(bytes).await.map_err(|_| unread())?;
    let table = table.map_err(|fault| Failure::refused(&fault.text(), UNCHANGED))?;
    let id = ImportId(app.random().array());
    let import = app.hub.preview_import(person.id, id, (&table, defaults), app.now()).await?;
    show(&import)?;
    if let Some(path) = errors {
        let written =
            crate::report::refused_lines(&import.refused, &import.plan.faults, &import.plan.notices);
        let bytes = written.map_err(|e| Failure::new("无法生成错误清单", &e, UNCHANGED))?;
        write_new(path, &bytes)?;
        say(&format!("错误清单已写入 {}。", path.display()))?;
    }
    if import.plan.entries.is_empty() {
        return say("没有可以导入的内容；未作任何改动。");
    }
    say(&format!("尚未导入。确认无误后执行：louan import commit {id} --as {who}"))
}

fn show(import: &Imported) -> Result<(), Failure> {
    let plan = &import.plan;
    let (new, changed, same) =
        (plan.count(Outcome::New), plan.count(Outcome::Changed), plan.count(Outcome::Same));
    say(&format!("新增 {new}，更新 {changed}，重复 {same}，错误 {}。", plan.refused()))?;
    if !import.left_alone.is_empty() {
        say(&format!("未使用的列：{}", import.left_alone.join("、")))?;
    }
    if !import.sheets_left.is_empty() {
        let names = import.sheets_left.join("、");
        say(&format!("未读取的工作表：{names}。一次导入一张工作表，请把它另存为单独的文件后再导入。"))?;
    }
    remarks("错误", &plan.faults)?;
    remarks("提示", &plan.notices)
}

fn remarks(title: &str, remarks: &[Remark]) -> Result<(), Failure> {
    for remark in remarks.iter().take(SHOWN) {
        let column = remark.column.as_deref().map_or_else(String::new, |letters| format!(" {letters} 列"));
        say(&format!("  {title}：第 {} 行{column}：{}", remark.number, remark.reason))?;
    }
    match remarks.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => say(&format!("  …… 另有 {more} 条，见错误清单（--errors）。")),
    }
}

fn left(carried: &Carried) -> Result<(), Failure> {
    for (name, code) in &carried.left {
        say(&format!("  未作改动：{name}，{}", Carried::reason(*code)))?;
    }
    Ok(())
}

pub(super) async fn export(
    what: ExportWhat,
    (who, to): (&str, &Path),
    [street, state, until, datum]: [Option<&str>; 4],
    config: &Config,
) -> Result<(), Failure> {
    let street = read(street, "街镇不在本方案范围内", |text| value::street(text).ok())?;
    let state = read(state, "没有这个隐患状态", |text| text.parse::<HazardState>().ok())?;
    let until = read(until, "日期不正确", |text| text.parse::<Day>().ok())?;
    let datum = read(datum, "没有这个坐标系", |text| text.parse::<Datum>().ok())?.unwrap_or(Datum::Wgs84);
    let ending = to.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let ledger = match (what, ending) {
        (ExportWhat::Hazards, "xlsx") => LedgerFile::Hazards(state),
        (ExportWhat::Rounds, "xlsx") => LedgerFile::Rounds(until),
        (ExportWhat::Buildings, "xlsx") => LedgerFile::Buildings,
        (ExportWhat::Buildings, "geojson") => LedgerFile::GeoJson(datum),
        (ExportWhat::Buildings, "gpkg") => LedgerFile::GeoPackage(datum),
        _ => {
            let next = "未作任何改动。火灾隐患台账和检查台账可导出为 .xlsx，建筑台账可导出为 .xlsx、.geojson、.gpkg。";
            return Err(Failure::refused(&format!("不能导出为 {}", to.display()), next));
        }
    };
    refuse_existing(to)?;
    let app = App::open(config, Workers::None).await?;
    let (person, org) = standing(&app, who).await?;
    // Beside the target, so that the finished file only takes its name there.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |e: std::io::Error| {
        Failure::new(
            &format!("无法写入 {}", to.display()),
            &e,
            "数据未作任何改动。请检查路径、权限和磁盘空间。",
        )
    };
    let making = tempfile::tempdir_in(folder).map_err(unwritable)?;
    let path = making.path().join(ledger.file_name());
    let export = Export { ledger, street, person: &person, org: &org, now: app.now(), path: &path };
    app.hub.export(export).await?;
    std::fs::hard_link(&path, to).map_err(unwritable)?;
    say(&format!("已导出 {}。内含工作信息，请妥善保管。", to.display()))
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if !path.exists() {
        return Ok(());
    }
    Err(Failure::refused(
        &format!("{} 已存在", path.display()),
        "未作任何改动。请另取文件名，或先移走原有文件。",
    ))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, bytes));
    written.map_err(|e| {
        Failure::new(
            &format!("无法写入 {}", path.display()),
            &e,
            "未作任何改动。请检查路径、权限和磁盘空间。",
        )
    })
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let what = match &error {
            ImportError::Unknown => "没有这次导入，或不属于该单位".to_owned(),
            ImportError::NoHeader(_) => NoHeader::TEXT.to_owned(),
            ImportError::State(state) => format!("这次导入的状态是“{}”", state.label()),
            ImportError::Storage(_) => "无法读写数据库".to_owned(),
        };
        match error {
            ImportError::Storage(error) => error.into(),
            _ => Self::refused(&what, UNCHANGED),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NotPermitted => {
                Self::refused("该岗位不能查看台账", "未作任何改动。请改用有权查看台账的账号。")
            }
            ExportError::Storage(error) => error.into(),
            ExportError::Report(_) => {
                Self::new("无法写出文件", &error, "数据未作任何改动。请检查磁盘空间后重试。")
            }
        }
    }
}
