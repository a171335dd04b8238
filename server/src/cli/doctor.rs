//! `louan doctor`: a line a check; exit code 1 when anything is a fault.

use std::path::PathBuf;
use std::process::ExitCode;

use super::failure::Failure;
use super::{runtime, say};
use crate::clock::{Clock, MachineClock};
use crate::config::{Config, Sources};
use crate::doctor::{Finding, Patient, State, examine};

pub(super) fn run(
    sources: &Sources,
    json: bool,
    quick: bool,
    backups: Option<PathBuf>,
) -> Result<ExitCode, Failure> {
    let found = match Config::load(sources) {
        Ok(config) => {
            let program =
                std::env::current_exe().map_err(|e| Failure::new("找不到程序自身", &e, "请重新安装。"))?;
            let now = MachineClock::new(None).system();
            let patient = Patient { config: &config, now, program, backups, quick };
            runtime()?.block_on(examine(&patient))
        }
        Err(error) => vec![misconfigured(&Failure::from(error))],
    };
    if json {
        let text = serde_json::to_string_pretty(&found);
        say(&text.map_err(|e| Failure::new("无法写出结果", &e, "未作任何改动。"))?)?;
    } else {
        found.iter().try_for_each(|finding| say(&line(finding)))?;
        say(&summary(&found))?;
    }
    let fault = found.iter().any(|finding| finding.state == State::Fault);
    Ok(if fault { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Without a configuration nothing else can be looked at.
fn misconfigured(failure: &Failure) -> Finding {
    Finding {
        check: "configuration",
        title: "配置",
        state: State::Fault,
        what: failure.to_string().replace('\n', " "),
        safe: "数据未作任何改动。",
        next: "请改正后重新检查（louan config check）。".to_owned(),
    }
}

fn line(finding: &Finding) -> String {
    let Finding { title, state, what, safe, next, .. } = finding;
    let what = what.trim_end_matches('。');
    format!("{}  {title}：{what}。{safe}{next}", state.label())
}

fn summary(found: &[Finding]) -> String {
    let count = |state| found.iter().filter(|finding| finding.state == state).count();
    match (count(State::Fault), count(State::Note)) {
        (0, 0) => format!("检查了 {} 项，全部正常。", found.len()),
        (faults, notes) => format!("检查了 {} 项：故障 {faults} 项，注意 {notes} 项。", found.len()),
    }
}
