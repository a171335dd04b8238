//! The accounts' table.

use louan_schema::id::PersonId;
use louan_schema::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use crate::storage::Reply;
use crate::storage::accounts::{Account, AccountStore};

const COLUMNS: &str = "SELECT person, login, password, active, changed_at FROM account";

/// Writes an account over what stood there. A login that is somebody else's fails the whole commit.
pub(super) fn put(tx: &Connection, account: &Account) -> rusqlite::Result<()> {
    let sql = "INSERT INTO account (person, login, password, active, changed_at) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (person) DO UPDATE SET login = ?2, password = ?3, active = ?4, changed_at = ?5";
    let row = (account.person.0, &account.login, &account.password, account.active, account.changed_at.ms());
    tx.prepare_cached(sql)?.execute(row).map(drop)
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        person: PersonId(row.get(0)?),
        login: row.get(1)?,
        password: row.get(2)?,
        active: row.get(3)?,
        changed_at: Timestamp::from_ms(row.get(4)?),
    })
}

impl AccountStore for Sqlite {
    fn find_account(&self, login: &str) -> Reply<'_, Option<Account>> {
        let login = login.to_owned();
        self.read("find an account", move |tx| {
            tx.prepare_cached(&format!("{COLUMNS} WHERE login = ?1"))?.query_row([login], account).optional()
        })
    }

    fn find_account_of(&self, person: PersonId) -> Reply<'_, Option<Account>> {
        self.read("find a person's account", move |tx| {
            tx.prepare_cached(&format!("{COLUMNS} WHERE person = ?1"))?
                .query_row([person.0], account)
                .optional()
        })
    }

    fn list_accounts(&self) -> Reply<'_, Vec<Account>> {
        self.read("list the accounts", |tx| {
            tx.prepare_cached(&format!("{COLUMNS} ORDER BY login"))?.query_map([], account)?.collect()
        })
    }
}
