//! A worker that neither answers nor dies: it is killed by the clock, and the phone tries again.
//!
//! Its own test program: it looks at all its children. Time is paused, so nothing here waits a minute.

mod kit;

use std::path::PathBuf;

use kit::{COMPANY, SITE};
use louan_schema::doc::Descriptor;
use louan_schema::wire::{Code, Disposition};
use louan_server::worker::{Judge, JudgeCase, Pool, Program};

/// Children of this program that are there, dead ones that nobody waited for among them.
fn children() -> Vec<String> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").expect("linux").flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().map(str::to_owned));
    }
    found
}

fn case(bytes: usize) -> JudgeCase {
    let descriptor = Descriptor::Book { site: SITE, org: COMPANY, year: 2020 };
    JudgeCase { descriptor, snapshot: None, changes: vec![vec![0; bytes]; 2] }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_never_answers_is_killed_and_its_job_is_tried_again() {
    assert_eq!(Code::Unreadable.disposition(), Disposition::Retry);
    let sleeper = Program { path: PathBuf::from("/bin/sleep"), arguments: vec!["1000000".to_owned()] };
    let pool = Pool::of(sleeper, 1);
    // One job that fits into a pipe, one that the worker would have to read.
    for bytes in [10, 1_000_000] {
        assert_eq!(pool.judge(vec![case(bytes)]).await, [Err(Code::Unreadable)]);
        assert_eq!(children(), Vec::<String>::new(), "killed and waited for");
    }
    // Its place is free again: three jobs through the one place.
    assert_eq!(pool.judge(vec![case(1), case(2), case(3)]).await, [const { Err(Code::Unreadable) }; 3]);
    assert_eq!(children(), Vec::<String>::new());
}
