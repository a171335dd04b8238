//! Worker processes: they limit themselves, they die alone, and the change that kills them
//! is found among its honest neighbours.
//! These start real processes of the real program.

mod kit;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use kit::craft::{Parts, chunk, leb, run};
use kit::{COMPANY, EPOCH, MANAGER, Phone, STREAM, accepted, hub, round};
use louan_schema::doc::Document;
use louan_schema::wire::Code;
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::Sqlite;
use louan_server::worker::{InProcess, Judge, JudgeCase, Pool};

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_louan"))
}

/// A book with two honest changes of one phone and one of another.
async fn honest() -> (JudgeCase, Phone) {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let changes = (1..=3).map(|n| phone.write(n, round(n))).collect();
    (JudgeCase { descriptor: phone.book(), snapshot: None, changes }, phone)
}

#[tokio::test]
async fn a_worker_judges_as_the_simulator_does() {
    let (case, _) = honest().await;
    let pool = Pool::new(program(), 2);
    let cases = vec![case.clone(), JudgeCase { changes: Vec::new(), ..case.clone() }, case];
    assert_eq!(pool.judge(cases.clone()).await, InProcess.judge(cases).await);
}

#[tokio::test]
async fn a_change_that_kills_its_worker_is_found_and_its_neighbours_are_kept() {
    let (mut case, mut phone) = honest().await;
    // Past the scanner on purpose: what reaches a worker may be anything.
    phone.reborn(9);
    let count = 3_000_000;
    let many = Parts::of(&phone.write(9, round(9)))
        .column(0x15, run(count, &[1, b'a']))
        .column(0x34, leb(count.unsigned_abs()))
        .column(0x42, run(count, &[1]))
        .column(0x56, run(count, &[0]))
        .column(0x57, Vec::new())
        .column(0x70, run(count, &[0]));
    case.changes.insert(1, many.raw());
    case.changes.insert(3, chunk(1, &[0; 1000]));
    let pool = Arc::new(Pool::new(program(), 2));
    let other = honest().await.0;
    let (bad, good) = tokio::join!(pool.judge(vec![case]), pool.judge(vec![other]));
    let bad = bad[0].as_ref().expect("the document itself is sound");
    let good = good[0].as_ref().expect("judged");
    assert!(good.verdicts.iter().all(Result::is_ok), "who stands beside is not held up");
    assert_eq!(bad.verdicts[1], Err(Code::WorkerLimit), "three million operations in a hundred bytes");
    assert!(bad.verdicts[3].is_err(), "{:?}", bad.verdicts);
    for honest in [0, 2, 4] {
        assert_eq!(bad.verdicts[honest], Ok(()));
    }
    assert_eq!(Document::load(&bad.snapshot).expect("loads").read_book().len(), 3);
}

#[tokio::test]
async fn a_program_that_never_answers_right_costs_its_own_jobs_only() {
    let (case, _) = honest().await;
    let missing = Pool::new(PathBuf::from("no/such/program"), 1);
    assert_eq!(missing.judge(vec![case.clone()]).await, [Err(Code::Unreadable)]);
    let wrong = Pool::new(PathBuf::from("/bin/false"), 1);
    assert_eq!(
        wrong.judge(vec![case]).await,
        [Err(Code::Unreadable)],
        "try again, nothing is the phone's fault"
    );
}

#[tokio::test]
async fn the_hub_works_over_worker_processes() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("opens"));
    let hub = Hub::open(storage, Arc::new(Pool::new(program(), 2)), Limits::default()).await.expect("opens");
    kit::introduce(&hub).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws = [phone.write(1, round(1)), phone.write(2, round(2))];
    assert!(accepted(&phone.push(&hub, &raws).await));
}

#[test]
fn a_worker_limits_itself_before_it_reads_and_ends_with_its_parent() {
    let mut worker = Command::new(program())
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = worker.stdin.take().expect("piped");
    let mut output = worker.stdout.take().expect("piped");
    // A message that is none: the worker reads it under its limits and gives up.
    let limits = format!("/proc/{}/limits", worker.id());
    let nothing = (
        louan_schema::doc::Descriptor::Book { site: kit::SITE, org: COMPANY, year: 2020 },
        None::<minicbor::bytes::ByteVec>,
        Vec::<minicbor::bytes::ByteVec>::new(),
    );
    // A job to judge: number 0, with one field.
    let job = minicbor::to_vec((0_u32, (nothing,))).expect("encodes");
    input.write_all(&u32::try_from(job.len()).expect("small").to_be_bytes()).expect("writes");
    input.write_all(&job).expect("writes");
    let mut length = [0; 4];
    output.read_exact(&mut length).expect("an answer");
    let text = std::fs::read_to_string(limits).expect("still running");
    let soft = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("a limit");
        line[name.len()..].split_whitespace().next().and_then(|n| n.parse::<u64>().ok())
    };
    assert_eq!(soft("Max address space"), Some(512 << 20));
    assert!(soft("Max cpu time").is_some_and(|s| (5..=7).contains(&s)), "{text}");
    assert_eq!(soft("Max file size"), Some(0));
    drop(input);
    assert!(worker.wait().expect("ends").success(), "the end of its input is its end");
}
