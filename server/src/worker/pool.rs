//! A pool of worker processes, as many as there are cores.
//!
//! A worker that dies takes its job with it, never the pool: the job is tried again change
//! by change in fresh workers, and the change that kills two of them is the culprit. A slow
//! job occupies one worker; the others go on. A worker that neither answers nor uses its CPU
//! time up is killed, and its job is tried again by the phone: waiting is no change's fault.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use louan_schema::doc::judge::Judged;
use louan_schema::wire::Code;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::frame::{Answer, Job, JudgeJob, MESSAGE_BYTES_MAX};
use super::{Judge, JudgeCase};

/// How long a job may take by the clock. Its five CPU seconds end it long before, wherever a worker
/// gets a twentieth of a core.
const JOB_WALL: Duration = Duration::from_secs(120);

/// How a worker is started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Worker processes, started as needed and kept.
#[derive(Debug)]
pub struct Pool {
    program: Program,
    places: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

/// A job on its way: its bytes, and a file whose bytes follow them.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) head: Vec<u8>,
    pub(super) file: Option<(&'a Path, u64)>,
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Asked {
    /// An answer.
    Answered(Answer),
    /// The worker died over it.
    Died,
    /// There was no worker, or it did not answer in time: nothing is known about the job.
    Nothing,
}

#[derive(Debug)]
struct Worker {
    input: ChildStdin,
    output: ChildStdout,
    /// Killed when dropped.
    process: Child,
}

impl Pool {
    /// A pool of at most `size` workers, each `path worker`.
    #[must_use]
    pub fn new(path: PathBuf, size: usize) -> Self {
        Self::of(Program { path, arguments: vec!["worker".to_owned()] }, size)
    }

    /// A pool of at most `size` workers started in some other way.
    #[must_use]
    pub fn of(program: Program, size: usize) -> Self {
        Self { program, places: Semaphore::new(size.max(1)), idle: Mutex::new(Vec::new()) }
    }

    async fn judge_one(&self, case: JudgeCase) -> Result<Judged, Code> {
        match self.run(&case).await {
            Some(judged) => judged,
            None => self.find_culprit(case).await,
        }
    }

    /// Judges a case that killed a worker, change by change.
    async fn find_culprit(&self, case: JudgeCase) -> Result<Judged, Code> {
        let mut part = JudgeCase { changes: Vec::new(), ..case };
        // The document alone must be readable, or nothing can be said about the changes.
        let mut snapshot = self.run_twice(&part).await.ok_or(Code::Unreadable)??.snapshot;
        let mut verdicts = Vec::with_capacity(case.changes.len());
        for change in case.changes {
            part.snapshot = Some(snapshot.clone());
            part.changes = vec![change];
            verdicts.push(match self.run_twice(&part).await {
                None => Err(Code::WorkerLimit),
                Some(Err(code)) => return Err(code),
                Some(Ok(mut judged)) => {
                    snapshot = judged.snapshot;
                    judged.verdicts.pop().unwrap_or(Err(Code::Unreadable))
                }
            });
        }
        Ok(Judged { verdicts, snapshot })
    }

    /// A worker may die of something else than its job, so one death is no proof.
    async fn run_twice(&self, case: &JudgeCase) -> Option<Result<Judged, Code>> {
        match self.run(case).await {
            None => self.run(case).await,
            answer => answer,
        }
    }

    /// Judges a case; nothing when its worker died over it.
    async fn run(&self, case: &JudgeCase) -> Option<Result<Judged, Code>> {
        // A job is plain bytes and numbers: encoding it cannot fail.
        let head = minicbor::to_vec(Job::Judge(JudgeJob::from(case))).unwrap_or_default();
        match self.ask(&Message { head, file: None }).await {
            Asked::Answered(answer) => answer.judged(case.changes.len()),
            Asked::Died => None,
            Asked::Nothing => Some(Err(Code::Unreadable)),
        }
    }

    /// Gives a job to a worker.
    pub(super) async fn ask(&self, message: &Message<'_>) -> Asked {
        let Ok(_place) = self.places.acquire().await else { return Asked::Nothing };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => match Worker::start(&self.program) {
                Ok(worker) => worker,
                Err(_) => return Asked::Nothing,
            },
        };
        let answer = match timeout(JOB_WALL, worker.ask(message)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => return Asked::Died,
            Err(_) => {
                // Killed and waited for, so that no number of stuck jobs leaves more workers than places.
                let _ = worker.process.kill().await;
                return Asked::Nothing;
            }
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        Asked::Answered(answer)
    }
}

impl Judge for Pool {
    fn judge(&self, cases: Vec<JudgeCase>) -> BoxFuture<'_, Vec<Result<Judged, Code>>> {
        Box::pin(join_all(cases.into_iter().map(|case| self.judge_one(case))))
    }
}

impl Worker {
    fn start(program: &Program) -> io::Result<Self> {
        let mut process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self { input, output, process })
    }

    async fn ask(&mut self, message: &Message<'_>) -> io::Result<Answer> {
        let length = message.head.len() as u64 + message.file.map_or(0, |(_, bytes)| bytes);
        let length = u32::try_from(length).map_err(io::Error::other)?;
        // Length and job in one piece: the worker is woken once.
        let mut first = length.to_be_bytes().to_vec();
        first.extend_from_slice(&message.head);
        self.input.write_all(&first).await?;
        if let Some((path, bytes)) = message.file {
            let mut file = tokio::fs::File::open(path).await?.take(bytes);
            // A file that has become shorter leaves the worker waiting: it is given up, like one that died.
            if tokio::io::copy(&mut file, &mut self.input).await? != bytes {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.input.flush().await?;
        let length = self.output.read_u32().await?;
        if length > MESSAGE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = Vec::new();
        (&mut self.output).take(u64::from(length)).read_to_end(&mut bytes).await?;
        minicbor::decode(&bytes).map_err(io::Error::other)
    }
}
