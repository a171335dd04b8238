//! Reading spreadsheets, apart: a list of half a megabyte may unpack to half a gibibyte (X01).

use futures_util::future::BoxFuture;

use super::InProcess;
use super::frame::Job;
use super::pool::{Asked, Message, Pool};
use crate::table::{self, FILE_BYTES_MAX, ReadTable, Table, TableFault, Unread};

impl ReadTable for Pool {
    fn read_table(&self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Result<Table, TableFault>, Unread>> {
        Box::pin(async move {
            if bytes.len() as u64 > FILE_BYTES_MAX {
                return Ok(Err(TableFault::TooLarge));
            }
            // A job is plain bytes: encoding it cannot fail.
            let head = minicbor::to_vec(Job::Table(bytes.into())).unwrap_or_default();
            let message = Message { head, file: None };
            // A worker may die of something else than its job, so one death is no proof.
            for _ in 0..2 {
                match self.ask(&message).await {
                    Asked::Answered(answer) => return answer.table().ok_or(Unread),
                    Asked::Died => {}
                    Asked::Nothing => return Err(Unread),
                }
            }
            Ok(Err(TableFault::TooCostly))
        })
    }
}

impl ReadTable for InProcess {
    fn read_table(&self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Result<Table, TableFault>, Unread>> {
        Box::pin(std::future::ready(Ok(table::read(&bytes))))
    }
}
