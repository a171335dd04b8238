//! `louan restore`: puts a backup back and says what people have to do then.
//!
//! Refused while anybody uses the store. What phones have, phones bring back; what only the office entered since the
//! backup is listed, because nobody else knows it.

use std::path::Path;

use louan_schema::id::Epoch;
use louan_schema::ruling::{Act, Ruling};

use super::failure::Failure;
use super::say;
use crate::clock::{Clock, MachineClock, Random, SystemRandom};
use crate::config::Config;
use crate::restore::{self, Plan, Report, Settled, Step};
use crate::storage::sqlite::{Apart, Tenancy, Withdrawn, apart};

const SIGN_IN_AGAIN: &str = "所有登录和登记码已失效：用户须重新登录；每部手机须用新的登记码（louan enrol new）\
    重新登记一次，手机上的内容不会丢失。";
/// So many lines of a list are printed; the rest is counted.
const LINES_MAX: usize = 200;

pub(super) async fn run(from: &Path, older: bool, config: &Config) -> Result<(), Failure> {
    let store = &config.store.path;
    let _alone = Tenancy::sole(store)?;
    if let Settled::Finished(aside) = restore::settle(store, &mut tell)? {
        return finished(store, &aside);
    }
    let random: &dyn Random = &SystemRandom;
    let plan = Plan {
        from: from.to_owned(),
        store: config.store.path.clone(),
        photos: config.store.photos_folder(),
        stream: config.store.stream,
        epoch: Epoch(random.array()),
        now: MachineClock::new(None).system(),
        older,
    };
    let report = restore::restore(&plan, &mut tell).await?;
    for line in lines(&report) {
        say(&line)?;
    }
    Ok(())
}

/// A restore that was broken off is finished: its report was never seen, so it is made now.
fn finished(store: &Path, aside: &Path) -> Result<(), Failure> {
    say("上一次中断的恢复现在已经完成。如仍要恢复，请再次执行。")?;
    say(SIGN_IN_AGAIN)?;
    if !aside.exists() {
        return Ok(());
    }
    say(&format!("原有数据库没有删除，移到了 {}。", aside.display()))?;
    // Rights withdrawn since were withdrawn again while the copy was made ready.
    let lines = apart(aside, store).map_or_else(|_| unknown(), |apart| since(&apart));
    lines.iter().try_for_each(|line| say(line))
}

fn tell(step: Step) {
    let line = match step {
        Step::Proof => "正在验证备份…",
        Step::Copy => "正在复制数据库…",
        Step::Photos => "正在补齐照片…",
        Step::Place => "正在换上恢复的数据库…",
        Step::Ready | Step::Note | Step::SetAside | Step::Done => return,
    };
    // Progress that nobody can see any more is no reason to give up.
    drop(say(line));
}

fn lines(report: &Report) -> Vec<String> {
    let manifest = &report.manifest;
    let mut lines = vec![format!(
        "已恢复到 {} 的备份：{}（日志位置 {}）。",
        manifest.made_at,
        report.backup.display(),
        manifest.pos
    )];
    if let Some(aside) = &report.aside {
        lines.push(format!("原有数据库没有删除，移到了 {}。", aside.display()));
    }
    lines.push(format!("照片：补回 {} 张。", report.photos_added));
    if !report.photos_lost.is_empty() {
        lines.push(format!("注意：有 {} 张照片在备份和服务器上都没有完好的副本：", report.photos_lost.len()));
        lines.extend(listed(report.photos_lost.iter().map(ToString::to_string)));
    }
    lines.push(SIGN_IN_AGAIN.to_owned());
    match &report.apart {
        None => lines.push("原处没有数据库。".to_owned()),
        Some(Ok(apart)) => lines.extend(since(apart)),
        Some(Err(_)) => lines.extend(unknown()),
    }
    lines.push("请启动服务，并请各单位打开手机同步：备份之后手机上报过的内容会自动补回。".to_owned());
    lines
}

/// What cannot be read has to be remembered by people.
fn unknown() -> Vec<String> {
    vec![
        "注意：原有数据库无法读取，备份之后收回的权限没有自动收回，在开放服务之前须重新办理：".to_owned(),
        "  · 停用人员：louan user disable <账号或编号>".to_owned(),
        "  · 清除个人信息：louan user erase <账号或编号> --irrevocably".to_owned(),
        "  · 更改过的密码：louan user password <账号>".to_owned(),
        "  · 挂失的手机：不要再向其发放登记码；原登记已全部失效。".to_owned(),
        "注意：备份之后作出的办理决定（建账、核实、销号）和新增的单位、人员无法列出，须由各办公室重新录入。"
            .to_owned(),
    ]
}

fn since(apart: &Apart) -> Vec<String> {
    let mut lines = Vec::new();
    if !apart.withdrawn.is_empty() {
        lines.push(format!("备份之后收回的权限，已重新收回 {} 项：", apart.withdrawn.len()));
        lines.extend(listed(apart.withdrawn.iter().map(withdrawn)));
    }
    lines.push(format!("待手机补回的变更：{} 条。", apart.changes));
    if apart.decisions > 0 {
        lines.push(format!("暂存内容的审核决定 {} 项须重新作出。", apart.decisions));
    }
    if !apart.rulings.is_empty() {
        lines.push(format!("备份之后的办理决定须由原办公室重新录入，共 {} 项：", apart.rulings.len()));
        lines.extend(listed(apart.rulings.iter().map(ruling)));
    }
    let added = apart.orgs.len() + apart.people.len() + apart.logins.len() + apart.devices.len();
    if added > 0 {
        lines.push(format!("备份之后新增的单位、人员、账号和手机须重新录入或登记，共 {added} 项："));
        let orgs = apart.orgs.iter().map(|org| format!("单位 {} {}", org.id, org.name));
        let people = apart.people.iter().map(|p| format!("人员 {} {}（{}）", p.id, p.name, p.role.label()));
        let devices = apart.devices.iter().map(|device| format!("手机 {device}"));
        let logins = apart.logins.iter().map(|login| format!("账号 {login}"));
        lines.extend(listed(orgs.chain(people).chain(logins).chain(devices)));
    }
    lines
}

fn listed(items: impl Iterator<Item = String>) -> Vec<String> {
    let all: Vec<String> = items.map(|item| format!("  · {item}")).collect();
    let more = all.len().saturating_sub(LINES_MAX);
    let rest = (more > 0).then(|| format!("  · 另有 {more} 项未显示"));
    all.into_iter().take(LINES_MAX).chain(rest).collect()
}

fn withdrawn(withdrawn: &Withdrawn) -> String {
    match withdrawn {
        Withdrawn::Person(person, true) => format!("人员 {} 的岗位或单位恢复为最近的登记", person.id),
        Withdrawn::Person(person, false) => format!("人员 {} 停用", person.id),
        Withdrawn::Erased(person) => format!("人员 {person} 的个人信息清除"),
        Withdrawn::Account(account) if account.active => {
            format!("人员 {} 的账号恢复为最近的密码", account.person)
        }
        Withdrawn::Account(account) => format!("人员 {} 的账号停用", account.person),
        Withdrawn::Device(device) => format!("手机 {device} 挂失"),
        Withdrawn::DevicePeople(device, _) => format!("手机 {device} 的使用人减少"),
    }
}

fn ruling(ruling: &Ruling) -> String {
    let what = match &ruling.act {
        Act::RegisterSite(site, buildings) => format!("建账 {}（{} 栋）", site.name, buildings.len()),
        Act::ConfirmHazard { hazard, severity, due_on } => {
            format!("核实隐患 {hazard}，{}，整改时限 {due_on}", severity.label())
        }
        Act::CloseHazard { hazard } => format!("复查销号 {hazard}"),
    };
    format!("{} {what}（人员 {}）", ruling.at, ruling.by)
}
