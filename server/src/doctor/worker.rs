//! The worker: can one be started, and does it limit itself and answer.

use std::path::Path;

use louan_schema::doc::Descriptor;
use louan_schema::id::{OrgId, SiteId};
use rustix::fs::{Access, access};

use super::{Check, Finding, Patient};
use crate::worker::{Judge, JudgeCase, Pool};

const WORKER: Check = Check("worker", "审核进程");

const SAFE: &str = "已确认收到的数据是安全的，但手机上报的内容不能审核，会留在手机上。";

pub(super) async fn examine(patient: &Patient<'_>) -> Finding {
    let program = &patient.program;
    if let Some(what) = unusable(program) {
        let next = "请重新安装程序，检查程序文件的权限和所在磁盘的挂载选项（noexec），再重启服务。";
        return WORKER.fault(what, SAFE, next);
    }
    let pool = Pool::new(program.clone(), 1);
    // A document nobody has written to yet, and nothing to judge about it.
    let descriptor = Descriptor::Book { site: SiteId([0; 16]), org: OrgId([0; 16]), year: 2020 };
    let case = JudgeCase { descriptor, snapshot: None, changes: Vec::new() };
    match pool.judge(vec![case]).await.pop() {
        Some(Ok(_)) => WORKER.well("可以启动，已限制自身资源"),
        _ => WORKER.fault(
            format!("审核进程 {} worker 不能启动，或启动后立即退出，或不能限制自身资源", program.display()),
            SAFE,
            "请重新安装程序；检查系统对内存（ulimit -v、MemoryMax）和进程数的限制，至少允许 512 MiB。",
        ),
    }
}

/// What keeps the executable from being started, as far as its file shows.
fn unusable(program: &Path) -> Option<String> {
    let path = program.display();
    match program.metadata() {
        Ok(file) if !file.is_file() => Some(format!("审核进程的程序 {path} 不是文件")),
        Ok(_) => access(program, Access::EXEC_OK).is_err().then(|| format!("审核进程的程序 {path} 不能执行")),
        // Also after an upgrade while this process runs: the file it was started from is another one then.
        Err(error) => Some(format!("审核进程的程序 {path} 不存在或无法访问（{error}）")),
    }
}
