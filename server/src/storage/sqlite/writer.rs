//! The writer: one connection, one thread, group commit.
//!
//! Whatever waits at the queue goes into one transaction, each commit under a savepoint of
//! its own, and all are answered after the transaction is on disk: one fsync for many phones.
//! After an I/O error at a commit nothing more is written: what the disk holds then is
//! unknown, and trying again could acknowledge what is not there.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::oneshot;

use super::apply::{self, Refusal};
use super::value::database;
use crate::storage::commit::{Commit, Committed};
use crate::storage::{Reply, StorageError};

/// Most commits in one transaction; bounds how long the first of them waits.
const GROUP_MAX: usize = 256;
const DOING: &str = "commit";

/// Something done on the connection, or told why it is not; true when the disk failed.
type Act = Box<dyn FnOnce(Result<&mut Connection, StorageError>) -> bool + Send>;
type Answer = oneshot::Sender<Result<Committed, StorageError>>;

enum Job {
    Commit(Box<Commit>, Answer),
    Act(Act),
}

/// The door to the writer thread. When it is dropped, what waits is written and the file is closed.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        // A writer that panicked has written nothing since.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(mut connection: Connection) -> Result<Self, StorageError> {
        let (queue, jobs) = channel();
        let started = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || serve(&mut connection, &jobs));
        match started {
            Ok(thread) => Ok(Self { queue: Some(queue), thread: Some(thread) }),
            Err(e) => Err(StorageError::Database { doing: "start the writer", source: Box::new(e) }),
        }
    }

    fn send(&self, job: Job) -> Result<(), StorageError> {
        let sent = self.queue.as_ref().is_some_and(|queue| queue.send(job).is_ok());
        if sent { Ok(()) } else { Err(StorageError::Stopped) }
    }

    pub(super) fn commit(&self, commit: Commit) -> Reply<'_, Committed> {
        let (answer, answered) = oneshot::channel();
        let sent = self.send(Job::Commit(Box::new(commit), answer));
        Box::pin(async move {
            sent?;
            answered.await.unwrap_or(Err(StorageError::Stopped))
        })
    }

    pub(super) fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Reply<'_, T> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Act(Box::new(move |connection| {
            let written = connection.map(|connection| in_transaction(connection, act));
            let failed = matches!(&written, Ok(Err(e)) if is_disk_failure(e));
            let done = written.and_then(|written| written.map_err(|e| database(doing, e)));
            // Nobody waits any more: what was written stays written.
            let _ = answer.send(done);
            failed
        }));
        let sent = self.send(job);
        Box::pin(async move {
            sent?;
            answered.await.unwrap_or(Err(StorageError::Stopped))
        })
    }
}

fn serve(connection: &mut Connection, jobs: &Receiver<Job>) {
    let mut stopped = false;
    let mut left_over = None;
    while let Some(job) = left_over.take().or_else(|| jobs.recv().ok()) {
        match job {
            Job::Act(act) if stopped => drop(act(Err(StorageError::Stopped))),
            Job::Act(act) => stopped = act(Ok(connection)),
            Job::Commit(commit, answer) => {
                let mut group = vec![(commit, answer)];
                while group.len() < GROUP_MAX {
                    match jobs.try_recv() {
                        Ok(Job::Commit(commit, answer)) => group.push((commit, answer)),
                        Ok(act) => {
                            left_over = Some(act);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                // Once stopped, dropping the answers tells their owners so.
                stopped = stopped || write_group(connection, group);
            }
        }
    }
}

/// Writes a group and answers it. True when the disk failed and nothing more may be written.
fn write_group(connection: &mut Connection, group: Vec<(Box<Commit>, Answer)>) -> bool {
    let (commits, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    let written = commit_group(connection, commits.iter().map(AsRef::as_ref));
    let failed = matches!(&written, Err(e) if is_disk_failure(e));
    match written {
        Ok(results) => {
            for (answer, result) in answers.into_iter().zip(results) {
                let _ = answer.send(result.map_err(refused));
            }
        }
        Err(e) => {
            let shared = e.to_string();
            for answer in answers {
                let source = shared.clone().into();
                let _ = answer.send(Err(StorageError::Database { doing: DOING, source }));
            }
        }
    }
    failed
}

type GroupResult = Vec<Result<Committed, Refusal>>;

fn commit_group<'a>(
    connection: &mut Connection,
    commits: impl Iterator<Item = &'a Commit>,
) -> rusqlite::Result<GroupResult> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::new();
    for commit in commits {
        let run = |sql| tx.prepare_cached(sql)?.execute([]);
        run("SAVEPOINT one")?;
        let result = apply::apply(&tx, commit);
        if result.is_err() {
            run("ROLLBACK TO one")?;
        }
        run("RELEASE one")?;
        results.push(result);
    }
    tx.commit()?;
    Ok(results)
}

/// Writes one commit in a transaction of its own.
pub(super) fn commit_one(connection: &mut Connection, commit: &Commit) -> Result<Committed, StorageError> {
    let mut results = commit_group(connection, std::iter::once(commit)).map_err(|e| database(DOING, e))?;
    results.pop().map_or(Err(StorageError::Moved), |result| result.map_err(refused))
}

fn refused(refusal: Refusal) -> StorageError {
    match refusal {
        Refusal::Moved => StorageError::Moved,
        Refusal::Database(e) => database(DOING, e),
    }
}

/// Runs an act in a transaction of its own.
pub(super) fn in_transaction<T>(
    connection: &mut Connection,
    act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = act(&tx)?;
    tx.commit()?;
    Ok(done)
}

fn is_disk_failure(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
