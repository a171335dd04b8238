//! What the operator does with accounts: make one, switch it off, give it a new password.
//!
//! Every change ends the account's sessions (A10). The operator acts at the machine, so the
//! audit names the person concerned and says that it was done there.

use louan_schema::id::PersonId;
use louan_schema::time::Timestamp;

use super::password::{Busy, Password, PasswordFault, faults_of};
use super::{Identity, folded, line};
use crate::storage::StorageError;
use crate::storage::accounts::Account;
use crate::storage::commit::{Commit, Guard, Write};
use crate::storage::sessions::{FamilyEnding, Holder, IdentityGuard, IdentityWrite};

/// Why an account was not made or changed; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The login is empty, too long, or holds other than letters, digits, `.`, `_`, `-`.
    #[error("a login is 2 to 40 letters, digits, dots, hyphens or underscores")]
    Login,
    /// Somebody else has this login.
    #[error("the login is taken")]
    LoginTaken,
    /// The password is not good enough, with every reason.
    #[error("the password has {} faults", .0.len())]
    Password(Vec<PasswordFault>),
    /// The person has no account.
    #[error("there is no such account")]
    Unknown,
    /// Too many passwords are being worked on.
    #[error("too many passwords are being worked on")]
    Busy(#[from] Busy),
    /// The store refused.
    #[error("could not read or write the accounts")]
    Storage(#[from] StorageError),
}

/// An account to be made; again for the same person changes it.
pub struct NewAccount {
    /// Whose.
    pub person: PersonId,
    /// The name to sign in with.
    pub login: String,
    /// The password.
    pub password: Password,
}

impl Identity {
    /// Makes a person's account, or gives it a new login and password.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn put_account(&self, new: NewAccount, now: Timestamp) -> Result<(), AccountError> {
        let login = checked(&new.login, &new.password)?;
        let password = self.shared.passwords.hash(new.password, self.random().array()).await?;
        let guards = vec![Guard::Identity(IdentityGuard::LoginFree(login.clone(), new.person))];
        let account = Account { person: new.person, login, password, active: true, changed_at: now };
        match self.write_account(guards, account, "account_put", now).await {
            Err(StorageError::Moved) => Err(AccountError::LoginTaken),
            other => Ok(other?),
        }
    }

    /// Whether [`Self::put_account`] would take this, before anything else is written for the person.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn check_account(
        &self,
        login: &str,
        password: &str,
        person: PersonId,
    ) -> Result<(), AccountError> {
        let login = checked(login, password)?;
        match self.storage().find_account(&login).await? {
            Some(account) if account.person != person => Err(AccountError::LoginTaken),
            _ => Ok(()),
        }
    }

    /// Switches an account off; its sessions end at once.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], [`AccountError::Storage`].
    pub async fn disable_account(&self, login: &str, now: Timestamp) -> Result<PersonId, AccountError> {
        let found = self.storage().find_account(&folded(login)).await?;
        let account = found.ok_or(AccountError::Unknown)?;
        let person = account.person;
        let off = Account { active: false, changed_at: now, ..account };
        self.write_account(Vec::new(), off, "account_disable", now).await?;
        Ok(person)
    }

    /// Every account, by login.
    ///
    /// # Errors
    /// [`AccountError::Storage`].
    pub async fn list_accounts(&self) -> Result<Vec<Account>, AccountError> {
        Ok(self.storage().list_accounts().await?)
    }

    async fn write_account(
        &self,
        guards: Vec<Guard>,
        account: Account,
        act: &str,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let person = account.person;
        let writes = vec![
            Write::Identity(IdentityWrite::Account(account)),
            Write::Identity(IdentityWrite::EndAll(
                Holder::Console(person),
                now,
                FamilyEnding::AccountChanged,
            )),
        ];
        let audit = vec![line(now, (Some(person), None), act, "by the operator".to_owned(), "done")];
        self.storage().commit(Commit { guards, writes, audit }).await.map(drop)
    }
}

/// The login as it is kept, if it and the password are good enough.
fn checked(login: &str, password: &str) -> Result<String, AccountError> {
    let login = folded(login);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(2..=40).contains(&login.chars().count()) || !login.chars().all(plain) {
        return Err(AccountError::Login);
    }
    let faults = faults_of(password, &login);
    if faults.is_empty() { Ok(login) } else { Err(AccountError::Password(faults)) }
}
