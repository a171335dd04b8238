//! The worker: can one be started, and does it limit itself and answer.

use louan_schema::doc::Descriptor;
use louan_schema::id::{OrgId, SiteId};

use super::{Check, Finding, Patient};
use crate::worker::{Judge, JudgeCase, Pool};

const WORKER: Check = Check("worker", "审核进程");

pub(super) async fn examine(patient: &Patient<'_>) -> Finding {
    let pool = Pool::new(patient.program.clone(), 1);
    // A document nobody has written to yet, and nothing to judge about it.
    let descriptor = Descriptor::Book { site: SiteId([0; 16]), org: OrgId([0; 16]), year: 2020 };
    let case = JudgeCase { descriptor, snapshot: None, changes: Vec::new() };
    match pool.judge(vec![case]).await.pop() {
        Some(Ok(_)) => WORKER.well("可以启动，已限制自身资源"),
        _ => WORKER.fault(
            format!("审核进程 {} worker 不能启动，或不能限制自身资源", patient.program.display()),
            "已确认的数据安全，但手机上报的内容不能审核，会留在手机上。",
            "请重新安装程序；检查系统对内存（ulimit -v、MemoryMax）和进程数的限制，至少允许 512 MiB。",
        ),
    }
}
